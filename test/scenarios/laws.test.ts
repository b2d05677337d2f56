/**
 * The laws are carried where they apply: a clean design that has the objects of a law has the law, or a reason to be
 * without. What a law is about is told by the parts of its objects, and who carries it by what it says.
 */
import { readdirSync } from 'node:fs';
import test from 'ava';
import { checkVariant, isScenario, type Scenario, type Variant } from '../../src/index.ts';

const folder = new URL('../../scenarios/', import.meta.url);
const systems = [
  'register-rfc',
  'cdev',
  'external-user',
  'group',
  'hot-reset',
  'mdev',
  'mediate-ops',
  'kvm',
  'group-notifier',
  'vendor',
  'type1',
];
const files = systems.flatMap((system) =>
  readdirSync(new URL(`${system}/`, folder)).flatMap((file) => (file.endsWith('.js') ? [`${system}/${file}`] : [])),
);
const scenarios = (
  await Promise.all(files.map(async (file) => ((await import(new URL(file, folder).href)) as { default?: unknown }).default))
).filter(isScenario);

const scenarioOf = (name: string): Scenario => {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new RangeError(`no scenario ${name}`);
  return found;
};
const clean = scenarios.flatMap(({ name, variants }) =>
  Object.entries(variants).flatMap(([variant, design]) =>
    design.expect.length === 0 ? [{ name: `${name}/${variant}`, design }] : [],
  ),
);

const partsOf = ({ objects }: Variant): readonly (readonly string[])[] =>
  Object.values(objects).map((object) => Object.keys(('pool' in object ? object.pool : object).parts));
const hasPart =
  (...parts: readonly string[]) =>
  (design: Variant): boolean =>
    parts.every((part) => partsOf(design).some((names) => names.includes(part)));
const saidBy = ({ always, atEnd, leaks }: Variant): readonly string[] => [always, atEnd, leaks].flatMap(Object.keys);

const hasModule = ({ objects }: Variant): boolean =>
  Object.values(objects).some(
    (object) => !('pool' in object) && Object.values(object.parts).some(({ machine }) => machine.id === 'module'),
  );
const isOfType1 = (name: string): boolean => files.includes(`type1/${name}.js`);

interface Law {
  readonly appliesTo: (design: Variant) => boolean;
  readonly says: RegExp;
  /** Clean designs that do without, by scenario or by variant, and why. */
  readonly without: { readonly [design: string]: string };
  /** A start that breaks it at once. */
  readonly broken: { readonly by: string; readonly start: Variant['start'] };
}

const noLedger = 'the groups of this era keep no ledger of who uses their container; the count that is left over is a leak check';
const onePin =
  'a scenario of the driver alone, whose book is no list of pins; what is left pinned and charged it says at its end';
const byEra = (reason: string, ...designs: readonly string[]) => Object.fromEntries(designs.map((design) => [design, reason]));

const pinsSaidAtTheEnd = {
  ...byEra(
    onePin,
    'close-overtaken',
    'forgotten-twice',
    'notifier-refused',
    'pins-need-notice',
    'told-outside-open',
    'unmap-notice-deadlock',
    'unmap-notice-freed-dma',
  ),
  'exec-keeps-mappings': 'the law goes by the address space of the task, and an exec has given it another',
  'mapped-by-a-thread': 'a thread that has exited has no address space by which the law could go',
};
const stillHeld = 'at its end somebody has a device or a container still';

const laws: { readonly [law: string]: Law } = {
  'no dma without an owner, and one owner at a time': {
    appliesTo: hasPart('owner_cnt'),
    says: /counts all to whom it was given$/,
    without: {},
    broken: { by: 'cdev-lifecycle/alone', start: { 'iommu_group.owner_cnt': { value: 1 } } },
  },
  'container_users is its ledger': {
    appliesTo: hasPart('container_users'),
    says: /container_users is the attached group/,
    without: {
      ...byEra(
        noLedger,
        'add-against-del/v5.15.y',
        'let-go-of-nonviable',
        'plain-decrement',
        'stale-kvm',
        'told-of-kvm',
        'close-overtaken',
        'forgotten-twice',
        'notifier-before-pins',
        'notifier-refused',
        'pin-without-notifier',
        'pins-need-notice',
        'told-outside-open',
        ...scenarios.filter(({ tags, name }) => tags.includes('seed-001') && isOfType1(name)).map(({ name }) => name),
      ),
      ...byEra(
        'its group is registered meanwhile, and nobody opens it',
        'node-name-collision',
        'opened-before-probe-ends/merged',
        'open-before-registered',
      ),
    },
    broken: { by: 'external-user-protocol/v3.12-refusals', start: { 'group.container_users': { n: 1 } } },
  },
  'a device is bound by one file': {
    appliesTo: hasPart('access_granted', 'cdev_device_open_cnt'),
    says: /(a device is bound by one file|the group is blocked for each device that is bound)$/,
    without: byEra(
      'its group is registered meanwhile, and one file is all that there is',
      'opened-before-probe-ends/merged',
      'open-before-registered',
    ),
    broken: { by: 'cdev-lifecycle/alone', start: { 'device.cdev_opened': { value: true } } },
  },
  'module references are balanced': {
    appliesTo: hasModule,
    says: /\.(owner|module)$/,
    without: byEra(
      stillHeld,
      'opened-before-probe-ends/merged',
      'refcount-read-set/rfc-one-registrar',
      'reopen-starvation',
      'stale-unbound-entry',
      'bind-or-group/v6.6',
      'ioctl-while-binding/v6.6',
      'group-opened-twice',
      'set-container-twice/v6.6-unset',
      'bind-sibling',
      'unbound-list',
      'fault-during-reset',
      'sibling-unbound',
      'kvm-lock-order',
      'open-while-machine-ends',
      'reset-ioctls/v6.6-hotplug',
      'reset-ioctls/v3.14',
      'reset-ioctls/v6.6-unsupported',
      'reset-ioctls/v6.6-host-driver',
      'add-against-del/v5.15.y',
      'let-go-of-nonviable',
      'stale-kvm',
      'notifier-refused/v11-type1',
      'notifier-before-pins',
      'pin-without-notifier',
      'pins-need-notice/v4.19',
      'exec-keeps-mappings',
      'foreign-unmap',
      'hotplug-direct',
      'hotplug-mediated',
      'pin-out-of-memory',
      'pins-outlive-driver',
      'reaccounting',
      'read-lock-twice',
      'replay-fails',
      'unmap-storm',
    ),
    broken: { by: 'cdev-lifecycle/alone', start: { 'vfio_pci.owner': { refcnt: 2 } } },
  },
  'no notifier of a closed device is on a chain': {
    appliesTo: hasPart('notifier_head', 'iommu_notifier'),
    says: /^no notifier of a closed device/,
    without: byEra(
      'the device is not opened and closed by files here; that nobody is told any more it says at its end',
      'stale-kvm',
      'close-overtaken',
      'notifier-before-pins',
      'pin-without-notifier',
      'pins-need-notice/v4.19',
    ),
    broken: {
      by: 'told-of-kvm/v4.19-before-kvm-user-first',
      start: { 'group.notifier_head': { blocks: ['mdev.group_notifier'] } },
    },
  },
  'what is pinned is what drivers have asked for': {
    appliesTo: hasPart('pfn_list'),
    says: /^what is pinned is what drivers have asked for$/,
    without: pinsSaidAtTheEnd,
    broken: { by: 'replay-fails/v4.19.191', start: { 'vendor.cache': { value: [7] } } },
  },
  'locked_vm is what is pinned': {
    appliesTo: hasPart('locked_vm'),
    says: /^locked_vm is what is pinned$/,
    without: pinsSaidAtTheEnd,
    broken: { by: 'replay-fails/v4.19.191', start: { 'mm.locked_vm': { value: 1 } } },
  },
  'the vendor of a device is called in turn': {
    appliesTo: hasPart('vendor'),
    says: /^the vendor of a device is called for it after its create/,
    without: {},
    broken: { by: 'remove-while-open/v5.2', start: { 'mdev.vendor': { initially: 'removed_twice' } } },
  },
  'the closed is off': {
    appliesTo: hasPart('mediate_ops'),
    says: /^(a device that nobody has open is off|nothing leads into the memory)/,
    without: {},
    broken: { by: 'stale-ret/own-ret', start: { 'pdev.enable_cnt': { n: 1 } } },
  },
  'nobody reaches a function in reset': {
    appliesTo: hasPart('function'),
    says: /^nobody reaches a BAR/,
    without: {},
    broken: { by: 'reset-ioctls/v6.6-host-driver', start: { 'pdev_a.function': { unanswered: true } } },
  },
};

const isIn = (list: Law['without'], name: string): boolean => name in list || (name.split('/')[0] ?? '') in list;

for (const [law, { appliesTo, says, without, broken }] of Object.entries(laws)) {
  const subject = clean.filter(({ design }) => appliesTo(design));
  const bare = subject.filter(({ design }) => !saidBy(design).some((said) => says.test(said))).map(({ name }) => name);

  test(`each clean design to which it applies says: ${law}`, (t) => {
    t.deepEqual(
      bare.filter((name) => !isIn(without, name)),
      [],
    );
    t.deepEqual(
      Object.keys(without).filter((name) => !bare.some((other) => isIn({ [name]: '' }, other))),
      [],
    );
  });

  test(`it can fail: ${law}`, async (t) => {
    const [name = '', variant = ''] = broken.by.split('/');
    const scenario = scenarioOf(name);
    const design = scenario.variants[variant];
    if (design === undefined) throw new RangeError(`no ${broken.by}`);
    const begun = { ...design, start: { ...design.start, ...broken.start } };
    const { findings } = await checkVariant({ ...scenario, variants: { [variant]: begun } }, variant, { maxStates: 2_000_000 });
    const messages = findings.map(({ message, object }) => `${object} ${message}`);
    t.true(
      Object.keys({ ...design.always, ...design.leaks }).some(
        (said) => says.test(said) && messages.some((message) => message.includes(said)),
      ),
      messages.join('\n'),
    );
  });
}
