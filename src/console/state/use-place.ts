import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { addressOf, placeOf, toPage, type Place } from './place.ts';

/** `replace`: what is typed letter by letter is no step to go back to. */
export type Step = 'push' | 'replace';

export interface Navigation {
  readonly place: Place;
  /** A step that the back button takes back. */
  go(place: Place, how?: Step): void;
  /** The same page with other words in its address. */
  ask(asked: Readonly<Record<string, string>>, how?: Step): void;
  /** Address of another page with the window and the tenant of this one. */
  to(path: string, asked?: Readonly<Record<string, string>>): string;
}

const here = (): Place => placeOf(location.pathname + location.search);

export const NavigationContext = createContext<Navigation>(null as never);
export const useNavigation = (): Navigation => useContext(NavigationContext);

export function usePlace(): Navigation {
  const [place, setPlace] = useState(here);
  const go = (next: Place, how: Step = 'push'): void => {
    const address = addressOf(next);
    if (address !== location.pathname + location.search) history[`${how}State`](null, '', address);
    setPlace(next);
  };
  useEffect(() => {
    const moved = (): void => setPlace(here());
    addEventListener('popstate', moved);
    return () => removeEventListener('popstate', moved);
  }, []);
  useEffect(() => {
    const follow = (event: MouseEvent): void => {
      const address = followed(event);
      if (address === null) return;
      event.preventDefault();
      go(placeOf(address));
      scrollTo(0, 0);
      document.querySelector<HTMLElement>('main')?.focus();
    };
    document.addEventListener('click', follow);
    return () => document.removeEventListener('click', follow);
  }, []);
  return {
    place,
    go,
    ask: (asked, how) => go({ ...place, asked: { ...place.asked, ...asked } }, how),
    to: (path, asked) => addressOf(toPage(place, path, asked)),
  };
}

/** Address of a click on one of our own links; null where the browser should act. */
function followed(event: MouseEvent): string | null {
  if (event.defaultPrevented || event.button !== 0) return null;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return null;
  const link = (event.target as Element).closest('a');
  if (!link || link.origin !== location.origin || link.hasAttribute('download') || link.target) return null;
  if (link.hash !== '') return null;
  return link.pathname.startsWith('/console/') ? link.pathname + link.search : null;
}
