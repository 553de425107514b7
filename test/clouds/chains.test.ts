import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { IDENTITY_HEADER, startIdentity, type Identity } from '#lab/identity/identity.ts';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, temporaryFolder, type GateProcess } from '../harness/gate-process.ts';
import { PLATFORMS_PATH, platformsSkip } from '../harness/platforms.ts';

/** Just above the ten seconds at its end in which a credential is not used: each is refreshed within three. */
const LIFE_MS = 13_000;
const NOWHERE = join(temporaryFolder('no-aws'), 'none');

const PROVIDERS: Readonly<Record<string, string>> = {
  aws: 'kind: bedrock-claude, region: eu-west-1',
  google: 'kind: vertex-claude, project: lab-project, location: eu',
  azure: 'kind: foundry-claude',
};
const MODELS = { aws: 'claude-aws', google: 'claude-google', azure: 'lab-echo' };

const config = (platform: keyof typeof MODELS, url: string): string => `
providers: { cloud: { ${PROVIDERS[platform]}, baseUrl: "${url}${platform === 'google' ? '/v1' : ''}" } }
models: { m: { deployments: [{ provider: cloud, model: ${MODELS[platform]} }] } }
prices: [{ provider: "*", model: "*", perMillion: { input: "3", output: "15", cachedRead: "0.3", cacheWrite: "3", cacheWrite1h: "6" } }]
retry: { attempts: 3, backoff: 0ms }
`;

interface Chain {
  readonly name: string;
  readonly platform: keyof typeof MODELS;
  readonly service: string;
  readonly env: (identity: Identity, folder: string) => Record<string, string>;
}

const AWS_NOTHING = { AWS_SHARED_CREDENTIALS_FILE: NOWHERE, AWS_CONFIG_FILE: NOWHERE };
const CHAINS: readonly Chain[] = [
  {
    name: 'AWS, role of an instance (metadata service)',
    platform: 'aws',
    service: 'imds',
    env: ({ url }) => ({ ...AWS_NOTHING, AWS_EC2_METADATA_SERVICE_ENDPOINT: url }),
  },
  {
    name: 'AWS, role of a container (ECS, Pod Identity)',
    platform: 'aws',
    service: 'container',
    env: ({ url }) => ({
      ...AWS_NOTHING,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'lab-container-token',
    }),
  },
  {
    name: 'AWS, role of a service account (IRSA, STS)',
    platform: 'aws',
    service: 'sts',
    env: ({ url }, folder) => {
      const file = join(folder, 'web-identity-token');
      writeFileSync(file, 'lab-service-account-token');
      return {
        ...{ ...AWS_NOTHING, AWS_ENDPOINT_URL_STS: url, AWS_WEB_IDENTITY_TOKEN_FILE: file },
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/lab-role',
      };
    },
  },
  {
    name: 'Google, application default credentials (metadata server)',
    platform: 'google',
    service: 'google',
    env: ({ host }) => ({
      ...{ GCE_METADATA_HOST: host, HOME: NOWHERE },
      // Its probes of the network take seconds each.
      METADATA_SERVER_DETECTION: 'assume-present',
    }),
  },
  {
    name: 'Azure, managed identity',
    platform: 'azure',
    service: 'azure',
    env: ({ url }) => ({ IDENTITY_ENDPOINT: `${url}/msi/token`, IDENTITY_HEADER }),
  },
];

for (const chain of CHAINS) {
  describe(chain.name, { skip: platformsSkip }, () => {
    let identity: Identity;
    let lab: Provider;
    let gate: GateProcess;
    before(async () => {
      identity = await startIdentity({ region: 'eu-west-1', lifeMs: LIFE_MS });
      lab = await startProvider({ seed: 3, clouds: identity.accounts });
      const env = { NODE_PATH: PLATFORMS_PATH, ...chain.env(identity, temporaryFolder('chain')) };
      gate = await startGate({ config: config(chain.platform, lab.url), env });
    });
    after(async () => {
      await gate?.stop();
      await Promise.all([lab?.close(), identity?.close()]);
    });

    const call = async (): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${gate.url}/v1/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gate.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', max_tokens: 40, messages: [{ role: 'user', content: '[[lab echo]]in' }] }),
      });
      return { status: response.status, text: await response.text() };
    };
    const credential = async () => (await gate.admin('GET', '/providers')).providers[0].credential;

    test('the chain is asked at the start, before a call needs it', async () => {
      await gate.until('a credential', async () => (await credential()).refreshedAt !== null);
      assert.deepEqual(identity.asked, [chain.service]);
    });

    test('calls at once ask once, and go on over a refresh before the end', async () => {
      const first = await Promise.all([call(), call(), call()]);
      for (const { status, text } of first) assert.equal(status, 200, text + gate.stderr());
      assert.ok(identity.asked.length <= 2, String(identity.asked));
      const before = identity.asked.length;
      const until = performance.now() + 15_000;
      while (performance.now() < until && identity.asked.length === before) {
        const { status, text } = await call();
        assert.equal(status, 200, text);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.ok(identity.asked.length > before, 'refreshed before its end');
      assert.equal((await credential()).lastError, null);
    });

    test('one that was revoked is replaced, unseen by the client', async () => {
      identity.revoke();
      const { status, text } = await call();
      assert.equal(status, 200, text);
    });

    test('while the service is down a good one goes on; then the error says so; then it recovers by itself', async () => {
      await call();
      identity.fail(true);
      assert.equal((await call()).status, 200);
      await gate.until('a refresh that fails', async () => {
        await call();
        return (await credential()).lastError !== null;
      });
      identity.revoke();
      const { status, text } = await call();
      assert.equal(status, 503, text);
      assert.match(text, /There is no credential for the provider `cloud`\. The .+ gave no credential\./);
      assert.doesNotMatch(text + gate.stderr(), /lab\/secret|lab-session|\.token-/);
      await gate.until('the log says it', async () => /no credential for a provider/.test(gate.stderr()));
      identity.fail(false);
      await gate.until('it recovers', async () => (await call()).status === 200);
    });
  });
}

test('without the library the configuration error says what to install', async () => {
  const lab = await startProvider();
  await assert.rejects(startGate({ config: config('google', lab.url) }), /npm i google-auth-library@\^11\.3\.4/);
  await lab.close();
});
