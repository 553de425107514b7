import { useState } from 'preact/hooks';
import { dateTime, duration } from '#kernel/format.ts';
import { logOut, Refusal } from '../session/client.ts';
import { useWho } from '../session/who.ts';
import { ActionForm, Dialog, Field } from '../parts/dialog.tsx';
import { PRESETS, spanOf, type Preset, type Span } from '../state/place.ts';
import { keptTheme, nextTheme, showTheme } from '../state/theme.ts';
import { useConnection } from '../state/connection.ts';
import { useNavigation } from '../state/use-place.ts';
import { zone } from '../state/questions.ts';
import { moment, plain } from '../parts/text.ts';
import { LoggedIn } from './who.tsx';

/** Window, tenant, live or paused, colours: whatever every page shares, all of it in the address. */
export function Bar() {
  const { place, go } = useNavigation();
  const { token } = useWho();
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
      <Custom />
      <Environment />
      {token.tenant === null ? <TenantFilter key={place.asked['tenant'] ?? ''} /> : <OtherTenant own={token.tenant} />}
      <span class="space" />
      <Live />
      <ThemeSwitch />
      <LoggedIn />
      <LogOut />
    </div>
  );
}

/** Between two times: typed here, or marked in a chart. */
function Custom() {
  const { place, go } = useNavigation();
  const [open, setOpen] = useState(false);
  const { window } = place;
  const own = typeof window === 'string' ? null : window;
  const take = async (form: FormData): Promise<void> => {
    const [from, to] = ['from', 'to'].map((name) => new Date(String(form.get(name))).getTime());
    if (!(from! < to!))
      throw new Refusal({ kind: 'refused', code: 'window', message: 'The window ends before it begins.' });
    go({ ...place, window: { from: from!, to: to! } });
    setOpen(false);
  };
  const span = own ?? spanOf(window, Date.now());
  return (
    <>
      <button type="button" aria-pressed={own !== null} onClick={() => setOpen(true)}>
        {own === null ? 'Custom' : spanText(own)}
      </button>
      {open && (
        <Dialog title="Window" onClose={() => setOpen(false)}>
          <ActionForm verb="Show" act={take} onClose={() => setOpen(false)}>
            <Field label={`From (${zone()})`}>
              <input name="from" type="datetime-local" step={1} required defaultValue={localInput(span.from)} />
            </Field>
            <Field label="To">
              <input name="to" type="datetime-local" step={1} required defaultValue={localInput(span.to)} />
            </Field>
          </ActionForm>
        </Dialog>
      )}
    </>
  );
}

function spanText({ from, to }: Span): string {
  const now = Date.now();
  return `${moment(from, zone(), now)} – ${moment(to, zone(), now)} (${duration(to - from)})`;
}

/** The form of the browser's field, in its own zone. */
const localInput = (at: number): string => dateTime(at, zone(), { seconds: true }).replace(' ', 'T');

/** Shown where the address has one: most installations have one environment. */
function Environment() {
  const { place, ask } = useNavigation();
  const environment = place.asked['environment'];
  if (!environment) return null;
  return (
    <button type="button" onClick={() => ask({ environment: '' })} title="Leave this filter out">
      environment <bdi>{plain(environment)}</bdi> ✕
    </button>
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

/** A tenant's own token needs no filter; an address that names another is shown, and the way out of it. */
function OtherTenant({ own }: { readonly own: string }) {
  const { place, ask } = useNavigation();
  const { tenant } = place.asked;
  if (!tenant || tenant === own) return null;
  return (
    <button type="button" onClick={() => ask({ tenant: '' })} title="Leave this filter out">
      tenant <bdi>{plain(tenant)}</bdi> ✕
    </button>
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
