import { Copy } from './basics.tsx';

interface Props {
  /** `key`, `token`. */
  readonly what: string;
  readonly secret: string;
  readonly onClose: () => void;
}

/** The one time that a secret is on a screen. */
export const Secret = ({ what, secret, onClose }: Props) => (
  <>
    <p>Copy the {what} now: it is shown this once, and the gate keeps its hash alone.</p>
    <pre class="block">{secret}</pre>
    <div class="actions">
      <Copy text={secret} what={`the ${what}`} />
      <button type="button" class="primary" onClick={onClose}>
        Done
      </button>
    </div>
  </>
);
