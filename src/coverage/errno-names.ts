/** include/uapi/asm-generic/errno-base.h, errno.h and include/linux/errno.h: those that calls are likely to return. */
const NAMES: Readonly<Record<string, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  4: 'EINTR',
  5: 'EIO',
  6: 'ENXIO',
  7: 'E2BIG',
  9: 'EBADF',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  14: 'EFAULT',
  16: 'EBUSY',
  17: 'EEXIST',
  18: 'EXDEV',
  19: 'ENODEV',
  22: 'EINVAL',
  24: 'EMFILE',
  25: 'ENOTTY',
  26: 'ETXTBSY',
  28: 'ENOSPC',
  34: 'ERANGE',
  35: 'EDEADLK',
  95: 'EOPNOTSUPP',
  110: 'ETIMEDOUT',
  125: 'ECANCELED',
  512: 'ERESTARTSYS',
};

/** `-19` as `-ENODEV`; what has no name stays as it is. */
export function errnoName(value: string): string {
  const [, number] = /^-(\d+)$/.exec(value) ?? [];
  const name = NAMES[number ?? ''];
  return name === undefined ? value : `-${name}`;
}
