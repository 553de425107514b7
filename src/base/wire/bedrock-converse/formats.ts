/** Media types and Converse's names of formats (SDK 3.1164.0 `ImageFormat`, `DocumentFormat`). */
const IMAGES: readonly (readonly [type: string, format: string])[] = [
  ['image/jpeg', 'jpeg'],
  ['image/png', 'png'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
];
const DOCUMENTS: readonly (readonly [type: string, format: string])[] = [
  ['application/pdf', 'pdf'],
  ['text/plain', 'txt'],
  ['text/csv', 'csv'],
  ['text/html', 'html'],
  ['text/markdown', 'md'],
  ['application/msword', 'doc'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
];

export const imageFormat = (mediaType: string): string | null =>
  IMAGES.find(([type]) => type === mediaType)?.[1] ?? null;
export const documentFormat = (mediaType: string): string | null =>
  DOCUMENTS.find(([type]) => type === mediaType)?.[1] ?? null;
export const imageType = (format: string): string | null => IMAGES.find(([, name]) => name === format)?.[0] ?? null;
export const documentType = (format: string): string | null =>
  DOCUMENTS.find(([, name]) => name === format)?.[0] ?? null;
