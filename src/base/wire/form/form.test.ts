import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { boundaryOf, formType, isForm } from './boundary.ts';
import { formPieces, patchForm } from './patch-form.ts';
import { parseForm } from './read-form.ts';
import { wavMs } from './wav.ts';

const TYPE = 'multipart/form-data; boundary=xx';
const part = (head: string, body: string): string => `--xx\r\n${head}\r\n\r\n${body}\r\n`;
const field = (name: string, value: string): string => part(`Content-Disposition: form-data; name="${name}"`, value);
const file = (name: string, body: string, more = 'filename="a.png"'): string =>
  part(`Content-Disposition: form-data; name="${name}"; ${more}\r\nContent-Type: image/png`, body);
const form = (...parts: string[]): Buffer => Buffer.from(`${parts.join('')}--xx--\r\n`, 'latin1');

const read = (bytes: Buffer, type = TYPE) => {
  const parsed = parseForm(bytes, type);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.error.message);
  return parsed.value;
};
const refusal = (bytes: Buffer, type = TYPE): string => {
  const parsed = parseForm(bytes, type);
  assert.ok(!parsed.ok, 'it was read');
  return `${parsed.error.field ?? ''} ${parsed.error.message}`;
};

/** What the platform's own reader makes of a form: the outside judge. */
async function platform(bytes: Uint8Array, type: string): Promise<[string, string][]> {
  const body = new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { 'content-type': type } });
  const out: [string, string][] = [];
  for (const [name, value] of await body.formData())
    out.push([name, typeof value === 'string' ? value : Buffer.from(await value.arrayBuffer()).toString('latin1')]);
  return out;
}

describe('reading a form', () => {
  test('fields, files, lists, and where each stands', () => {
    const bytes = form(field('model', 'm'), file('image[]', 'A\r\nB'), file('image[]', ''), field('n', '2'));
    const { value, spans, contentType } = read(bytes);
    assert.deepEqual(value, {
      model: 'm',
      'image[]': [
        { kind: 'file', bytes: 4, wavMs: null },
        { kind: 'file', bytes: 0, wavMs: null },
      ],
      n: '2',
    });
    const { start, end } = spans.get('n')!;
    assert.equal(bytes.toString('latin1', start, end), '2');
    assert.equal(contentType, 'multipart/form-data; boundary=xx');
  });

  test('what servers read in different ways is refused, and says why', () => {
    const model = field('model', 'm');
    const odd: [Buffer, RegExp][] = [
      [form(model, field('model', 'other')), /^model .*twice/],
      [form(field('model[]', 'm')), /^model\[\] .*own name/],
      [form(field('model[x]', 'm')), /own name/],
      [Buffer.from(`preamble\r\n${form(model)}`), /does not begin/],
      [Buffer.from(`\r\n${form(model)}`), /does not begin/],
      [Buffer.from(String(form(model)).replaceAll('\r\n', '\n')), /followed by something else/],
      [Buffer.from(`${form(model)}epilogue`), /goes on after/],
      [form(model).subarray(0, -6), /ends before|followed by/],
      [form(model).subarray(0, 20), /head is cut/],
      [Buffer.alloc(0), /does not begin/],
      [form(part('Content-Type: text/plain', 'x')), /no Content-Disposition/],
      [form(part('Content-Disposition: form-data; name="a"; name="b"', 'x')), /twice/],
      [form(part("Content-Disposition: form-data; name*=utf-8''model", 'x')), /coded form/],
      [form(part('Content-Disposition: form-data; name="mo\\"del"', 'x')), /no plain name/],
      [form(part('Content-Disposition: attachment; name="model"', 'x')), /no form-data/],
      [form(part('Content-Disposition: form-data;\r\n name="model"', 'x')), /no header/],
      [form(part('Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="b"', 'x')), /two/],
      [form(part('Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64', 'x')), /codes/],
      [
        form(part(`Content-Disposition: form-data; name="a"\r\nX-Long: ${'y'.repeat(100_000)}`, 'x')),
        /longer than 8 KB/,
      ],
      [
        form(part('Content-Disposition: form-data; name="model"\r\nContent-Type: application/octet-stream', 'm')),
        /type/,
      ],
      [
        form(part('Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=utf-16', 'm')),
        /type/,
      ],
      [form(field('_charset_', 'utf-16')), /charset/],
      [form(part('Content-Disposition: form-data; name="prompt"', '\xff\xfe')), /UTF-8/],
      [form(part('Content-Disposition: form-data; name="prompt"', 'x'.repeat(300_000))), /256 KB/],
      [form(...Array.from({ length: 101 }, (_, i) => field(`f${i}`, 'x'))), /more than 100 parts/],
    ];
    for (const [bytes, why] of odd) assert.match(refusal(bytes), why, bytes.toString('latin1', 0, 120));
  });

  test('what OkHttp, Spring and curl write beside a field is read', () => {
    for (const type of ['text/plain; charset=utf-8', 'text/plain;charset=UTF-8', 'application/json', 'text/plain']) {
      const head = `content-disposition: form-data; name=model\r\nContent-Type: ${type}\r\nContent-Length: 1`;
      assert.equal(read(form(part(head, 'm'))).value['model'], 'm');
    }
  });

  test('a content type without one plain boundary is refused', () => {
    const bytes = form(field('model', 'm'));
    for (const type of [
      ...['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary=a; boundary=b'],
      ...[`multipart/form-data; boundary=${'a'.repeat(71)}`, `multipart/form-data; boundary=${'a'.repeat(5_000)}`],
      ...['multipart/form-data; boundary="a\\"b"', 'multipart/form-data; boundary="a b"', 'application/json', ''],
    ])
      assert.match(refusal(bytes, type), /content-type/);
    assert.equal(boundaryOf('multipart/form-data; charset=utf-8; boundary="xx"'), 'xx');
    assert.equal(boundaryOf(formType("a'b(c)")), "a'b(c)");
    assert.ok(isForm('Multipart/Form-Data;boundary=x') && !isForm('multipart/form-datax'));
  });
});

const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((value) => value.replace(/\r\n|\r|\n/g, ' '));
const aFile = fc.uint8Array({ maxLength: 400 });
const entries = fc.array(fc.oneof(fc.tuple(fc.constant('text'), text), fc.tuple(fc.constant('file'), aFile)), {
  maxLength: 12,
});

async function written(list: readonly (readonly [string, string | Uint8Array])[], model: string | null) {
  const data = new FormData();
  list.forEach(([kind, value], i) => {
    if (kind === 'text') data.set(`field${i}`, value as string);
    else data.append('image[]', new Blob([value as Uint8Array<ArrayBuffer>]), `näme “${i}”.png`);
  });
  if (model !== null) data.set('model', model);
  const made = new Response(data);
  const type = made.headers.get('content-type')!;
  return { type, bytes: Buffer.from(await made.arrayBuffer()) };
}

describe('a form that the platform writes', () => {
  test('is read alike, whatever its fields and files hold', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        const { type, bytes } = await written(list, 'm');
        const { value } = read(bytes, type);
        const theirs = await platform(bytes, type);
        for (const [name, held] of theirs) {
          if (name !== 'image[]') assert.equal(value[name], held);
        }
        const files = theirs.filter(([name]) => name === 'image[]').map(([, held]) => held.length);
        assert.deepEqual(
          ((value['image[]'] as { bytes: number }[]) ?? []).map((one) => one.bytes),
          files,
        );
      }),
      { numRuns: 150, seed: 20261125 },
    );
  });

  test('keeps every byte but its model, and the platform reads the new one', async () => {
    await fc.assert(
      fc.asyncProperty(entries, fc.boolean(), fc.stringMatching(/^[a-z0-9/:.-]{1,80}$/), async (list, named, model) => {
        const { type, bytes } = await written(list, named ? 'theirs' : null);
        const request = read(bytes, type);
        const patched = patchForm(request, { model });
        const [before, after] = [await platform(bytes, type), await platform(patched, request.contentType!)];
        const others = (fields: [string, string][]) => fields.filter(([name]) => name !== 'model');
        assert.deepEqual(others(after), others(before));
        assert.deepEqual(
          after.filter(([name]) => name === 'model'),
          [['model', model]],
        );
        if (!named) assert.ok(patched.subarray(-bytes.length).equals(bytes));
      }),
      { numRuns: 150, seed: 20261125 },
    );
  });

  test('the same model leaves the very same bytes', async () => {
    const { type, bytes } = await written([['file', Uint8Array.of(1, 2, 3)]], 'm');
    assert.equal(formPieces(read(bytes, type), { model: 'm' })[0], read(bytes, type).bytes);
  });

  test('any bytes are read or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, framed) => {
        const bytes = framed
          ? Buffer.concat([Buffer.from('--xx\r\n'), noise, Buffer.from('\r\n--xx--')])
          : Buffer.from(noise);
        parseForm(bytes, TYPE);
      }),
      { numRuns: 500, seed: 20261125 },
    );
  });
});

describe('the length of a WAV file', () => {
  const wav = (change: (file: Buffer) => void = () => {}, seconds = 2): Buffer => {
    const bytes = Buffer.alloc(44 + seconds * 16_000);
    bytes.write('RIFF', 0);
    bytes.writeUInt32LE(bytes.length - 8, 4);
    bytes.write('WAVEfmt ', 8);
    bytes.writeUInt32LE(16, 16);
    bytes.writeUInt16LE(1, 20);
    bytes.writeUInt16LE(1, 22);
    bytes.writeUInt32LE(8_000, 24);
    bytes.writeUInt32LE(16_000, 28);
    bytes.writeUInt16LE(2, 32);
    bytes.writeUInt16LE(16, 34);
    bytes.write('data', 36);
    bytes.writeUInt32LE(seconds * 16_000, 40);
    change(bytes);
    return bytes;
  };

  test('is what its head and its bytes both say', () => {
    assert.equal(wavMs(wav()), 2_000);
    assert.equal(wavMs(wav((file) => file.writeUInt32LE(0xffffffff, 40))), 2_000);
    assert.equal(wavMs(wav(() => {}, 0.25)), 250);
  });

  test('is unknown where the head contradicts itself, so that no caller states a shorter one', () => {
    for (const change of [
      (file: Buffer) => file.writeUInt32LE(1_600_000, 28),
      (file: Buffer) => file.writeUInt16LE(400, 32),
      (file: Buffer) => file.writeUInt16LE(0, 22),
      (file: Buffer) => file.writeUInt32LE(0, 24),
      (file: Buffer) => file.writeUInt32LE(100, 40),
      (file: Buffer) => file.writeUInt32LE(9_000_000, 40),
      (file: Buffer) => file.writeUInt16LE(85, 20),
      (file: Buffer) => file.write('RIFX', 0),
    ])
      assert.equal(wavMs(wav(change)), null);
    assert.equal(wavMs(Buffer.from('RIFF')), null);
    assert.equal(wavMs(Buffer.alloc(10_000, 7)), null);
  });
});
