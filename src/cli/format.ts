/** Figures look the same in the terminal and on the console: the one formatter of both. */
export * from '#kernel/format.ts';
