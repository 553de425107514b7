import type { DialectName } from '#wire/canonical.ts';

/** One part of a captured call, cut out of the record's bytes. */
export interface Cut {
  readonly from: number;
  readonly to: number;
  /** The part was longer than what is kept. */
  readonly cut: boolean;
}

export interface CapturedAttempt {
  readonly n: number;
  readonly deployment: string;
  readonly dialect: DialectName;
  readonly status: number | null;
  /** The answer is a stream of server-sent events. */
  readonly stream: boolean;
  readonly request: Cut;
  readonly answer: Cut;
}

/** What the serving thread hands over. `bytes` changes hands: it is not copied. */
export interface CapturedCall {
  readonly call: string;
  readonly tenant: string;
  readonly at: number;
  readonly rule: string;
  readonly dialect: DialectName;
  readonly bytes: Uint8Array;
  readonly client: Cut;
  readonly attempts: readonly CapturedAttempt[];
}

export interface VaultSettings {
  /** The first seals, the others open what they have sealed. */
  readonly keys: readonly { readonly id: string; readonly bytes: Uint8Array }[];
  readonly maxBytes: number;
  readonly retentionMs: number;
  /** Regular expressions of the operator, in JavaScript's syntax. */
  readonly redact: readonly string[];
}

export interface VaultStats {
  readonly bytes: number;
  readonly records: number;
  readonly kept: number;
  /** Not kept: the folder is full. */
  readonly full: number;
  /** Not kept: the disk refused, or a record could not be made. */
  readonly failed: number;
  readonly isFull: boolean;
  /** Of the last failure; null: none, or it is over. */
  readonly trouble: string | null;
}

/** A call's text as it is kept: readable, redacted. */
export interface CallContent {
  readonly call: string;
  readonly tenant: string;
  readonly at: number;
  readonly dialect: DialectName;
  readonly client: TextPart;
  readonly attempts: readonly {
    readonly n: number;
    readonly deployment: string;
    readonly dialect: DialectName;
    readonly status: number | null;
    readonly request: TextPart;
    readonly answer: TextPart | StreamPart;
  }[];
  readonly expiresAt: number;
}

export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
  readonly cut: boolean;
}

/** A stream, put together. */
export interface StreamPart {
  readonly kind: 'stream';
  readonly blocks: readonly { readonly kind: string; readonly name: string | null; readonly text: string }[];
  readonly finish: string | null;
  readonly error: string | null;
  readonly complete: boolean;
  readonly cut: boolean;
}

export type ReadAnswer =
  | { readonly found: CallContent }
  /** `key`: sealed under a key that is not configured; its id. */
  | { readonly missing: 'none' | 'expired' | 'tampered' }
  | { readonly missing: 'key'; readonly keyId: string };

export type ToVault =
  | { readonly do: 'keep'; readonly captured: CapturedCall }
  | { readonly do: 'read'; readonly id: number; readonly call: string }
  | { readonly do: 'settings'; readonly settings: VaultSettings }
  | { readonly do: 'close' };

export type FromVault =
  | { readonly done: 'keep'; readonly bytes: number; readonly stats: VaultStats }
  | { readonly done: 'stats'; readonly stats: VaultStats }
  | { readonly done: 'read'; readonly id: number; readonly answer: ReadAnswer }
  | { readonly done: 'close' };
