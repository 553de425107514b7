/** Values of SUM_COLUMNS and SKETCH_COLUMNS over entries `e` and their dims `d`. */
export const ENTRY_SUMS = [
  'count(*)',
  `sum(d.outcome NOT IN ('ok', 'cancelled'))`,
  'coalesce(sum(e.cost), 0)',
  'coalesce(sum(e.cost IS NULL), 0)',
  'coalesce(sum(e.cost) FILTER (WHERE e.estimated = 1), 0)',
  'coalesce(sum(e.saved_cost), 0)',
  'coalesce(sum(e.input_tokens), 0)',
  'coalesce(sum(e.cached_read_tokens), 0)',
  'coalesce(sum(e.cache_write_tokens), 0)',
  'coalesce(sum(e.output_tokens), 0)',
  'coalesce(sum(e.reasoning_tokens), 0)',
  'sketch_of(e.total_ms)',
  'sketch_of(e.first_token_ms)',
];
