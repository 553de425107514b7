/** Light, dark, or as the system says. Kept in the browser: it is nobody's secret. */
export type Theme = 'system' | 'light' | 'dark';

const NAME = 'headgate.theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export function keptTheme(): Theme {
  const kept = localStorage.getItem(NAME) as Theme | null;
  return kept !== null && THEMES.includes(kept) ? kept : 'system';
}

export function showTheme(theme: Theme): void {
  localStorage.setItem(NAME, theme);
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

export const nextTheme = (theme: Theme): Theme => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
