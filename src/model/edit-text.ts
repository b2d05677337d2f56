/** Edits in a schedule: one word each, for words are what white space separates. */
import { ModelError, messageOf } from './errors.ts';
import type { Edit } from './edit.ts';

const KINDS: { readonly [K in Edit['kind']]: readonly string[] } = {
  drop: ['at'],
  delay: ['at', 'past'],
  hasten: ['at', 'before', 'replies'],
  hold: ['take', 'release', 'from', 'to'],
  insert: ['at', 'where', 'message'],
  replace: ['at', 'by'],
};

export const formatEdit = (edit: Edit): string => JSON.stringify(edit).replaceAll(/\s/g, '\\u0020');

/** @throws ModelError if it is no edit */
export function parseEdit(text: string): Edit {
  let edit: unknown;
  try {
    edit = JSON.parse(text);
  } catch (error) {
    throw new ModelError(`The edit cannot be read: ${messageOf(error)}`, 'one word of JSON, as an edited design was written');
  }
  if (isEdit(edit)) return edit;
  throw new ModelError(`This is no edit: ${text}`, `its kind is one of ${Object.keys(KINDS).join(', ')}, with all that it needs`);
}

const isEdit = (value: unknown): value is Edit => {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const needs = (KINDS as { readonly [kind: string]: readonly string[] })[String(value.kind)];
  return needs?.every((field) => field in value) === true;
};
