import { useEffect, useRef, useState } from 'preact/hooks';
import { Dialog } from '../parts/dialog.tsx';
import { stepRow } from '../parts/table.tsx';
import { useWho, type Who } from '../session/who.ts';
import { toPage } from '../state/place.ts';
import { useNavigation } from '../state/use-place.ts';
import { pagesOf } from './rail.tsx';

const helpOf = (who: Who): readonly (readonly [string, string])[] => [
  ['/', 'search'],
  ['j  k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['p', 'pause or go on'],
  ['Esc', 'close, or leave a field'],
  ...pagesOf(who).flatMap(({ entries }) => entries.map(({ key, name }) => [`g ${key}`, name] as const)),
  ['?', 'these keys'],
];

/** `g` waits this long for its second key. */
const CHORD_MS = 1_500;

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches('input, select, textarea, [contenteditable]');

export function Shortcuts() {
  const navigation = useNavigation();
  const who = useWho();
  // One listener for good: a key between two drawings of the page would else meet none, or a new one without its `g`.
  const latest = useRef(navigation);
  latest.current = navigation;
  const [help, setHelp] = useState(false);
  useEffect(() => {
    let chordUntil = 0;
    const pressed = (event: KeyboardEvent): void => {
      const { place, go } = latest.current;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (typing(event.target)) {
        if (event.key === 'Escape') (event.target as HTMLElement).blur();
        return;
      }
      if (document.querySelector('dialog[open]')) return;
      if (chordUntil > event.timeStamp) {
        chordUntil = 0;
        const entry = pagesOf(who)
          .flatMap(({ entries }) => entries)
          .find(({ key }) => key === event.key);
        if (entry) go(toPage(place, entry.path));
        return;
      }
      if (event.key === 'g') chordUntil = event.timeStamp + CHORD_MS;
      else if (event.key === 'j') stepRow(1);
      else if (event.key === 'k') stepRow(-1);
      else if (event.key === 'p') go({ ...place, paused: !place.paused });
      else if (event.key === '?') setHelp(true);
      else if (event.key === '/') {
        event.preventDefault();
        // A page's own search comes before the frame's.
        const fields = [...document.querySelectorAll<HTMLInputElement>('input[data-search]')];
        (fields.find((field) => field.closest('main')) ?? fields[0])?.focus();
      }
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
  if (!help) return null;
  return (
    <Dialog title="Keys" onClose={() => setHelp(false)}>
      <dl class="facts">
        {helpOf(who).map(([key, what]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <form method="dialog" class="actions">
        <button type="submit">Close</button>
      </form>
    </Dialog>
  );
}
