import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** `number`: right-aligned; `name`: text of people, wraps; `who`: the same with room for an address; `wide`: a sentence; `tight`: never wraps. */
  readonly kind?: 'number' | 'name' | 'who' | 'tight' | 'wide';
  /** For a button in each row: has no title to read. */
  readonly hidden?: boolean;
  /** Left out where there is no room: a phone. */
  readonly minor?: boolean;
  /** Name under which rows are sorted by this column. */
  readonly sort?: string;
}

/** How rows are sorted; the page sorts, or asks the server to. */
export interface Sorting {
  readonly by: string;
  readonly order: 'asc' | 'desc';
  readonly onSort: (by: string) => void;
}

const classOf = ({ kind = '', minor = false }: { readonly kind?: string; readonly minor?: boolean }): string =>
  minor ? `${kind} minor` : kind;

interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string;
  readonly onOpen?: (row: T) => void;
  readonly footer?: readonly ComponentChildren[];
  readonly sorting?: Sorting;
}

/** A table that is read with `j` and `k` and opened with Enter. It scrolls in itself where the page is narrow. */
export function Table<T>({ label, columns, rows, rowKey, onOpen, footer, sorting }: TableProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, hidden, sort, ...column }) => (
              <th key={title} class={classOf(column)} scope="col" aria-sort={sortOf(sort, sorting)}>
                {hidden ? (
                  <span class="visually-hidden">{title}</span>
                ) : sort !== undefined && sorting ? (
                  <button type="button" onClick={() => sorting.onSort(sort)}>
                    {title}
                    <span aria-hidden="true">{sorting.by === sort ? (sorting.order === 'asc' ? '↑' : '↓') : ''}</span>
                  </button>
                ) : (
                  title
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body} data-rows>
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              tabIndex={onOpen ? 0 : -1}
              class={onOpen ? 'opens' : ''}
              onClick={(event) => {
                // A selection of text or a control in the row is not a wish to open it.
                const inner = (event.target as Element).closest('a, button, input, select');
                if (onOpen && !inner && String(getSelection()) === '') onOpen(row);
              }}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && event.target === event.currentTarget) onOpen?.(row);
              }}
            >
              {columns.map(({ title, cell, ...column }) => (
                <td key={title} class={classOf(column)}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {footer && (
          <tfoot>
            <tr>
              {footer.map((cell, i) => (
                <td key={columns[i]?.title ?? i} class={classOf(columns[i] ?? {})}>
                  {cell}
                </td>
              ))}
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

const sortOf = (sort: string | undefined, sorting: Sorting | undefined): 'ascending' | 'descending' | undefined =>
  sort === undefined || sorting?.by !== sort ? undefined : sorting.order === 'asc' ? 'ascending' : 'descending';

/** Moves the focus to the next or previous row on the page, whichever table it is in. */
export function stepRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-rows] > tr[tabindex]')];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at < 0 ? (step === 1 ? 0 : rows.length - 1) : at + step];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}
