import { useState } from 'preact/hooks';
import { Refusal } from '../session/client.ts';

/** Something that a person sets off: under way, or refused and why. */
export interface Action {
  readonly busy: boolean;
  /** Words of the last refusal; null: none. */
  readonly refused: string | null;
  /** Does the work; true where it was not refused. What is no refusal is a mistake of ours, and thrown. */
  readonly run: (work: () => Promise<void>) => Promise<boolean>;
}

export function useAction(): Action {
  const [state, setState] = useState<Pick<Action, 'busy' | 'refused'>>({ busy: false, refused: null });
  const run = async (work: () => Promise<void>): Promise<boolean> => {
    setState({ busy: true, refused: null });
    let refused: string | null = null;
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      refused = thrown.message;
    } finally {
      setState({ busy: false, refused });
    }
    return refused === null;
  };
  return { ...state, run };
}
