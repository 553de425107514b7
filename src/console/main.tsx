import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/parts.css';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Bar } from './frame/bar.tsx';
import { Notices } from './frame/notices.tsx';
import { Rail } from './frame/rail.tsx';
import { Shortcuts } from './frame/shortcuts.tsx';
import { PageOf } from './pages/page-of.tsx';
import { resume } from './session/client.ts';
import { Login } from './session/login.tsx';
import { keyOf, WhoContext, type Who } from './session/who.ts';
import { ConnectionContext, useGate } from './state/connection.ts';
import { keptTheme, showTheme } from './state/theme.ts';
import { NavigationContext, usePlace } from './state/use-place.ts';

interface FrameProps {
  readonly who: Who;
  readonly onWho: (who: Who) => void;
}

function Frame({ who, onWho }: FrameProps) {
  const navigation = usePlace();
  const connection = useGate(who, onWho);
  const loggedIn = (next: Who): void => {
    onWho(next);
    connection.loggedIn();
  };
  return (
    <NavigationContext.Provider value={navigation}>
      <ConnectionContext.Provider value={connection}>
        {connection.needsLogin && <Login again onDone={loggedIn} />}
        <div class="frame" hidden={connection.needsLogin}>
          <a class="skip button" href="#page">
            To the page
          </a>
          <Rail />
          <div>
            <Notices />
            <Bar />
            <main id="page" class="page" tabIndex={-1}>
              <PageOf path={navigation.place.path} />
            </main>
          </div>
        </div>
        <Shortcuts />
      </ConnectionContext.Provider>
    </NavigationContext.Provider>
  );
}

/** Nothing is asked before somebody is logged in. */
function Console() {
  const [state, setState] = useState<Who | 'unknown' | 'out' | 'gone'>('unknown');
  useEffect(() => {
    let timer = 0;
    const look = (): void =>
      void resume().then(
        (who) => setState(who ?? 'out'),
        () => {
          setState('gone');
          timer = window.setTimeout(look, 1_000);
        },
      );
    look();
    return () => clearTimeout(timer);
  }, []);
  // Of another token nothing stays that the one before has read.
  if (typeof state === 'object')
    return (
      <WhoContext.Provider value={state}>
        <Frame key={keyOf(state)} who={state} onWho={setState} />
      </WhoContext.Provider>
    );
  if (state === 'out') return <Login again={false} onDone={setState} />;
  return (
    <main class="login">
      <p class="muted" role="status">
        {state === 'gone' ? 'The gate does not answer. Trying again each second.' : 'Reading …'}
      </p>
    </main>
  );
}

showTheme(keptTheme());
render(<Console />, document.getElementById('console')!);
