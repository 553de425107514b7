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
import { ConnectionContext, useGate } from './state/connection.ts';
import { keptTheme, showTheme } from './state/theme.ts';
import { NavigationContext, usePlace } from './state/use-place.ts';

function Frame() {
  const navigation = usePlace();
  const connection = useGate();
  return (
    <NavigationContext.Provider value={navigation}>
      <ConnectionContext.Provider value={connection}>
        {connection.needsLogin && <Login again onDone={connection.loggedIn} />}
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
  const [state, setState] = useState<'unknown' | 'out' | 'in' | 'gone'>('unknown');
  useEffect(() => {
    let timer = 0;
    const look = (): void =>
      void resume().then(
        (alive) => setState(alive ? 'in' : 'out'),
        () => {
          setState('gone');
          timer = window.setTimeout(look, 1_000);
        },
      );
    look();
    return () => clearTimeout(timer);
  }, []);
  if (state === 'in') return <Frame />;
  if (state === 'out') return <Login again={false} onDone={() => setState('in')} />;
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
