/** What the published `.proto` says, with its comments: the part of the language that it uses, line by line. */
export interface ProtoField {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly label: 'repeated' | 'optional' | null;
  /** Of its `oneof`; null: it stands in none. */
  readonly oneof: string | null;
  readonly comment: string;
}
export interface ProtoMessage {
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly ProtoField[];
}
export interface ProtoMethod {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly streams: boolean;
  readonly comment: string;
}
export interface Proto {
  readonly service: string;
  readonly methods: readonly ProtoMethod[];
  readonly messages: readonly ProtoMessage[];
}

const RPC = /^rpc (\w+)\((\w+)\) returns \((stream )?(\w+)\);$/;
const FIELD = /^(?:(repeated|optional) )?([\w.]+) (\w+) = (\d+);$/;

/** Throws an Error that names the line which is none of the language's that it knows. */
export function readProto(text: string): Proto {
  const methods: ProtoMethod[] = [];
  const messages: (ProtoMessage & { fields: ProtoField[] })[] = [];
  let [service, oneof, comment] = ['', null as string | null, ''];
  let inside: 'file' | 'service' | 'message' = 'file';
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    const said = comment;
    comment = '';
    const opened = /^(service|message) (\w+) \{(\})?$/.exec(line);
    const rpc = RPC.exec(line);
    const field = FIELD.exec(line);
    if (line.startsWith('//')) comment = `${said} ${line.slice(2).trim()}`.trim();
    else if (opened && inside === 'file') {
      if (opened[1] === 'service') service = opened[2]!;
      else messages.push({ name: opened[2]!, comment: said, fields: [] });
      if (!opened[3]) inside = opened[1] as 'service' | 'message';
    } else if (line.startsWith('oneof ') && inside === 'message') oneof = line.split(' ')[1]!;
    else if (line === '}') [inside, oneof] = oneof === null ? ['file', null] : [inside, null];
    else if (rpc && inside === 'service')
      methods.push({ name: rpc[1]!, input: rpc[2]!, output: rpc[4]!, streams: rpc[3] !== undefined, comment: said });
    else if (field && inside === 'message')
      messages.at(-1)!.fields.push({
        ...{ name: field[3]!, number: Number(field[4]), type: field[2]!, oneof, comment: said },
        label: (field[1] as ProtoField['label'] | undefined) ?? null,
      });
    else if (line !== '' && !/^(syntax|package|import) /.test(line))
      throw new Error(`line ${i + 1} of the .proto: ${line}`);
  }
  return { service, methods, messages };
}
