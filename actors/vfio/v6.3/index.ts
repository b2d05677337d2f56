/** v6.3: what differs from v6.2. */
export * from './vfio_main.ts';
