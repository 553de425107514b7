/** An answer that is sent while it is made. Where `chunks` throws after the first, the connection is cut. */
export class StreamedAnswer {
  readonly contentType: string;
  /** Under which a browser saves it. */
  readonly fileName: string;
  readonly chunks: AsyncIterable<string>;

  constructor(answer: {
    readonly contentType: string;
    readonly fileName: string;
    readonly chunks: AsyncIterable<string>;
  }) {
    this.contentType = answer.contentType;
    this.fileName = answer.fileName;
    this.chunks = answer.chunks;
  }
}

/** An answer whose JSON is made already, where it held up no call. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
