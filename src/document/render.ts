/** One document, in the format that its reader wants. */
import type { Document } from './document.ts';
import { asHtml } from './html.ts';
import { asMarkdown } from './markdown.ts';
import { asRst } from './rst.ts';
import { asText } from './text.ts';

const RENDERERS = { text: asText, markdown: asMarkdown, rst: asRst, html: asHtml } as const;

export type DocumentFormat = keyof typeof RENDERERS;
export const DOCUMENT_FORMATS = Object.keys(RENDERERS) as readonly DocumentFormat[];

export const render = (document: Document, format: DocumentFormat): string => RENDERERS[format](document);
