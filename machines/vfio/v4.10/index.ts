export * from './mdev.ts';
export * from './mtty.ts';
