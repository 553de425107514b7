import { chatStep, type ClientSnippets } from './snippet.ts';

export const openWebui: ClientSnippets = {
  name: 'open-webui',
  title: 'Open WebUI',
  kind: 'app',
  snippets: [
    {
      place: 'shell',
      language: 'sh',
      text: `docker run -d -p 3000:8080 -v open-webui:/app/backend/data \\
  -e OPENAI_API_BASE_URL={{url}}/v1 \\
  -e OPENAI_API_KEY={{key}} \\
  ghcr.io/open-webui/open-webui:main`,
    },
  ],
  probe: [
    { method: 'GET', path: '/v1/models', headers: { authorization: 'Bearer {{key}}' }, body: null },
    chatStep('Python/3.11 aiohttp', { stream: true }),
  ],
  models: null,
  needsPublicHttps: false,
  notes: [
    'Both are read at the first start alone; later: Admin Settings → Connections.',
    'Inside a container 127.0.0.1 is the container: use the name or address of the machine.',
  ],
  limits: ['Not run here: its image needs Docker.'],
  checked: 'from its documentation',
};
