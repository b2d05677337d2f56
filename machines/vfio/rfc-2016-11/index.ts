export * from './mdev.ts';
