/** include/uapi/asm-generic/errno-base.h, errno.h and include/linux/errno.h: calls return these negated. */
export const ENOENT = 2;
export const EINTR = 4;
export const EAGAIN = 11;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENOSPC = 28;
/** Left to the entry code, which restarts the call or makes it EINTR. */
export const ERESTARTSYS = 512;
