/** include/uapi/asm-generic/errno-base.h and errno.h: what kernel code returns, negated, when it fails. */
export { EEXIST, ENOENT, ENOSPC } from '../../machines/sync/errno.ts';
export const EPERM = 1;
export const ESRCH = 3;
export const EIO = 5;
export const ENXIO = 6;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const ENODEV = 19;
export const EINVAL = 22;
export const EMFILE = 24;
export const ENOTTY = 25;
export const ENOMSG = 42;
export const EUSERS = 87;
