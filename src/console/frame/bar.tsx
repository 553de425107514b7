import { useState } from 'preact/hooks';
import { duration } from '#kernel/format.ts';
import { logOut } from '../session/client.ts';
import { PRESETS, type Preset } from '../state/place.ts';
import { keptTheme, nextTheme, showTheme } from '../state/theme.ts';
import { useConnection } from '../state/connection.ts';
import { useNavigation } from '../state/use-place.ts';
import { zone } from '../state/questions.ts';
import { moment } from '../parts/text.ts';

/** Window, tenant, live or paused, colours: whatever every page shares, all of it in the address. */
export function Bar() {
  const { place, go } = useNavigation();
  const { window } = place;
  return (
    <div class="bar" role="toolbar" aria-label="Window and filters">
      <div class="group" role="group" aria-label="Window">
        {(Object.keys(PRESETS) as Preset[]).map((preset) => (
          <button
            key={preset}
            type="button"
            aria-pressed={window === preset}
            onClick={() => go({ ...place, window: preset })}
          >
            {preset.replace(/(\d+)/, '$1 ')}
          </button>
        ))}
      </div>
      {typeof window !== 'string' && <Custom {...window} />}
      <TenantFilter key={place.asked['tenant'] ?? ''} />
      <span class="space" />
      <Live />
      <ThemeSwitch />
      <LogOut />
    </div>
  );
}

function Custom({ from, to }: { readonly from: number; readonly to: number }) {
  const now = Date.now();
  return (
    <span class="muted">
      {moment(from, zone(), now)} to {moment(to, zone(), now)} ({duration(to - from)})
    </span>
  );
}

function TenantFilter() {
  const { place, ask } = useNavigation();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        ask({ tenant: String(new FormData(event.currentTarget).get('tenant') ?? '').trim() });
      }}
    >
      <input
        name="tenant"
        type="search"
        placeholder="all tenants"
        aria-label="Only this tenant"
        data-search
        defaultValue={place.asked['tenant'] ?? ''}
        onBlur={(event) => event.currentTarget.form?.requestSubmit()}
      />
    </form>
  );
}

function Live() {
  const { place, go } = useNavigation();
  const { goneSince } = useConnection();
  const word = place.paused ? 'Paused' : goneSince === null ? 'Live' : 'Waiting';
  return (
    <button
      type="button"
      aria-pressed={!place.paused}
      title={place.paused ? 'Go on with new figures (p)' : 'Hold the figures as they are (p)'}
      onClick={() => go({ ...place, paused: !place.paused })}
    >
      {place.paused ? '⏸' : '●'} {word}
    </button>
  );
}

function ThemeSwitch() {
  const [theme, setTheme] = useState(keptTheme);
  const change = (): void => {
    const next = nextTheme(theme);
    showTheme(next);
    setTheme(next);
  };
  return (
    <button type="button" class="plain" onClick={change} title="Colours: system, light, dark">
      {theme === 'system' ? '◐ System' : theme === 'light' ? '○ Light' : '● Dark'}
    </button>
  );
}

function LogOut() {
  const { report, askNow } = useConnection();
  return (
    <button
      type="button"
      class="plain"
      onClick={() =>
        void logOut()
          .catch(report)
          .finally(() => askNow())
      }
    >
      Log out
    </button>
  );
}
