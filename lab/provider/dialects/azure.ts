const SAFE = { filtered: false, severity: 'safe' };

/** Content-filter verdicts that Azure OpenAI adds to each choice (REST reference, 2024-10-21). */
export const AZURE_FILTERS = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: SAFE };
export const AZURE_PROMPT_FILTERS = [{ prompt_index: 0, content_filter_results: AZURE_FILTERS }];
