/** One document with every block, and with the characters that some format would take for markup. */
import type { Document } from '../../src/document/document.ts';

export const everyBlock: Document = {
  title: 'Locking of `struct vfio_group`',
  blocks: [
    {
      kind: 'paragraph',
      text: 'Not as one caller uses it. `vfio_group_put()` drops the last reference under `&group->group_lock`, and `__vfio_register_group_dev()` reads *refs* with no lock held: a_b, _c, d_, <none> | &lt;none&gt; and a lone ` backquote.',
    },
    { kind: 'heading', level: 1, text: 'Guarded by' },
    {
      kind: 'table',
      head: ['field', 'read', 'written'],
      rows: [
        ['`group->refs`', '`&a`|`b`', 'none'],
        ['`group->kvm`', '', '`&group->group_lock`'],
      ],
    },
    { kind: 'heading', level: 2, text: 'The accesses that break the rule' },
    {
      kind: 'table',
      head: ['access', 'why'],
      rows: [
        [
          '`vfio_group_open()`',
          'it looks before the lock is taken, and what it has seen may be gone when it acts on what it saw',
        ],
        ['`vfio_group_release()`', 'none'],
      ],
    },
    { kind: 'heading', level: 3, text: 'In the order of the code' },
    { kind: 'list', ordered: true, items: ['Take `&group->group_lock`.', '- look at `group->opened_file`', '3. leave'] },
    {
      kind: 'list',
      ordered: false,
      items: [
        '# not a heading',
        'An item that is much longer than a line of a mail may be, so that it goes on below its own beginning and not below its bullet',
      ],
    },
    {
      kind: 'table',
      head: ['an access with its place in the source', 'locks', 'another column that has no room at all'],
      rows: [
        ['refcount_read() in __vfio_register_nongroup_dev()', '', 'actors/vfio/rfc-2021-09/vfio.ts, in the second half of it'],
      ],
    },
    {
      kind: 'literal',
      lines: ['CPU0          CPU1', '----          ----', '', '  *p = 1', '              ``` <b> \\'],
    },
    {
      kind: 'figure',
      alt: 'The order of the locks',
      svg: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><text x="0" y="8">A &lt; B</text></svg>',
      lines: ['A --> B'],
    },
    { kind: 'paragraph', text: '- This ends as a literal block of ReST would begin::' },
  ],
};
