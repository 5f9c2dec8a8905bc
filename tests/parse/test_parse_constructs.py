"""Every construct that a language defines things with, in samples written for it."""

from __future__ import annotations

import pytest

from contextd.parse.parsing import parse

PYTHON = '''\
#!/usr/bin/env python3
"""Ledger."""

from __future__ import annotations

import enum

type Cents = int
MAX_LINES: int = 500
_RATE = 0.2
first = SECOND = None
T = TypeVar("T")


class Kind(enum.Enum):
    """What an entry is."""

    DEBIT = "debit"
    CREDIT = "credit"
    alias = DEBIT

    class Meta:
        ORDER = 1

        def key(self):
            pass


if TYPE_CHECKING:

    def only_typed() -> None: ...

try:
    import fast
except ImportError:

    def fast(a, b):
        return a + b


@app.route("/entries")
@cached(
    ttl=3,
)
async def entries(request, /, *, limit=MAX_LINES):
    CONSTANT_IN_A_FUNCTION = 1

    def key(entry):
        return entry.id

    return sorted(await load(), key=key)


def generic[U](x: U) -> U:
    match x:
        case 1:
            return x
    return lambda: x
'''

JAVASCRIPT = """\
'use strict'
import { a } from './a.js'
var LIMIT = 3, lower = 4
let counter = 0
const { x, y } = require('./pair')
const settings = {
  retries: 3,
  pause(n) { return n },
  'on-error': function () {},
  log: (line) => { console.log(line) },
}

async function* pages(url) {
  const inner = () => url
  yield inner()
}

export default class extends Base {}

export class Cart extends Base {
  static #count = 0
  total = 0
  add = (line) => { this.total += line.price }
  get size() { return 1 }
  static async load(id) { return new Cart(id) }
  *[Symbol.iterator]() {}
}

const Named = class Inner { run() {} }

function View(name) {
  this.name = name
  this.show = function () {}
}
View.prototype.render = function render(cb) { cb() }
exports.View = View
module.exports.create = (name) => new View(name)
exports.Row = class { cell() {} }
registry[name] = function () {}

;(function (root) {
  function hidden() {}
})(this)

describe('cart', () => {
  it('adds', () => {})
})
"""

TYPESCRIPT = """\
import type { Sku } from './sku'
export type Pair<A, B = A> = { a: A; b: B }
export interface Store<T> extends Base {
  readonly size: number
  get(key: string): T | undefined
  new (name: string): Store<T>
}
export declare const VERSION: string
declare function legacy(a: number): void
declare module 'plugin' {
  export function load(name: string): void
}
declare global {
  interface Window { app: App }
}
export namespace Money.Euro {
  export const RATE = 1
  export class Note {
    worth(): number { return 5 }
  }
}
export const enum Level { Low, High }
function over(a: string): void
function over(a: number): void
function over(a: unknown) {}
@Component({ selector: 'x' })
export abstract class View<T> implements OnInit {
  @Input() name!: string
  private handler = async (e: Event) => { this.name = '' }
  constructor(private readonly store: Store<T>) { super() }
  abstract draw(): void
  protected get ready(): boolean { return true }
  static of<T>(this: void, x: T) { return x }
}
export const useStore = <T,>(key: string): Store<T> => make(key)
export { x as y } from './z'
"""

TSX = """\
import * as React from 'react'
type Props = { name: string }
export const Button: React.FC<Props> = ({ name }) => <button onClick={() => {}}>{name}</button>
export function Page(props: Props) {
  return (
    <main>
      <Button name="a" />
    </main>
  )
}
class Old extends React.Component<Props> {
  render() { return <></> }
}
export default React.memo(Page)
"""

GO = """\
// Package ledger keeps entries.
package ledger

import (
	"fmt"
	"sync"
)

const (
	Debit Kind = iota
	Credit
	first, second = 1, 2
)

const single = "s"

var ErrClosed = fmt.Errorf("closed")

var (
	mu    sync.Mutex
	cache = map[string]int{}
)

type Kind int

type (
	Entry struct {
		ID string
	}
	Store interface {
		Get(id string) (*Entry, error)
		fmt.Stringer
	}
	Alias = Entry
)

type List[T any] struct{ items []T }

type Handler func(e Entry) error

func init() {}

func Map[T, U any](in []T, f func(T) U) []U {
	local := func(x T) U { return f(x) }
	const hidden = 1
	return nil
}

func (l *List[T]) Push(x T) { l.items = append(l.items, x) }

func (Entry) Zero() bool { return true }

func (e *Entry) String() string { return e.ID }
"""

JAVA = """\
package org.example.ledger;

import java.util.*;

/** Keeps entries. */
@Service
public abstract class Ledger<T extends Entry> extends Base implements Closeable {
  public static final int MAX_LINES = 500, MIN_LINES = 1;
  private static final Logger log = Logger.get();
  private int count;

  static { count(); }

  protected Ledger(int count) { this.count = count; }

  @Override
  public void close() throws IOException {
    Runnable r = new Runnable() { public void run() {} };
  }

  abstract T find(String id);

  public enum Kind {
    DEBIT { @Override int sign() { return 1; } },
    CREDIT;
    int sign() { return -1; }
  }

  public interface Listener<E> {
    int DEPTH = 3;
    void on(E event);
    default void off() {}
  }

  public record Line(String sku, int cents) {
    public Line { check(cents); }
    static Line of(String sku) { return new Line(sku, 0); }
  }

  public @interface Audited { String value() default ""; }

  static class Inner { class Deep { void dive() {} } }
}
"""

RUST = """\
//! Keeps entries.
use std::fmt;

pub const MAX_LINES: usize = 500;
static mut COUNT: u32 = 0;
type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone)]
pub struct Entry<'a> {
    id: &'a str,
}

struct Unit;
union Bits { a: u32, b: f32 }

#[non_exhaustive]
pub enum Kind { Debit, Credit(u32) }

pub trait Store: Send {
    const NAME: &'static str;
    type Key;
    fn get(&self, key: Self::Key) -> Option<Entry<'_>>;
    fn all(&self) -> Vec<Entry<'_>> { Vec::new() }
}

impl<'a> Entry<'a> {
    pub const ZERO: u32 = 0;
    pub async fn load(id: &'a str) -> Result<Self> { todo!() }
}

impl<'a> fmt::Display for Entry<'a> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { Ok(()) }
}

impl<T: Store> Store for &'static [T] {
    fn get(&self, key: u32) -> Option<Entry<'_>> { None }
}

impl crate::other::Named for super::thing::Other<u8> {
    fn name(&self) {}
}

macro_rules! entry {
    ($id:expr) => { Entry { id: $id } };
}

extern "C" {
    fn c_function(x: i32) -> i32;
}

unsafe fn raw() {
    fn nested() {}
}

mod outline;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works() {}
}
"""

SAMPLES = {
    "ledger.py": (
        PYTHON,
        """
        type Cents, constant MAX_LINES, constant _RATE, constant T, class Kind, constant Kind.DEBIT,
        constant Kind.CREDIT, class Kind.Meta, constant Kind.Meta.ORDER, method Kind.Meta.key, function only_typed,
        function fast, function entries, function entries.key, function generic
        """,
    ),
    "cart.js": (
        JAVASCRIPT,
        """
        constant LIMIT, constant counter, constant settings, method settings.pause, method settings.log,
        function pages, function pages.inner, class Cart, method Cart.add, method Cart.size, method Cart.load,
        method Cart.[Symbol.iterator], class Named, method Named.run, function View, function View.show,
        function View.render, function create, class Row, method Row.cell, function hidden
        """,
    ),
    "store.ts": (
        TYPESCRIPT,
        """
        type Pair, interface Store, method Store.get, constant VERSION, function legacy, module plugin,
        function plugin.load, interface Window, module Money.Euro, class Money.Euro.Note,
        method Money.Euro.Note.worth, enum Level, function over, function over, function over, class View,
        method View.handler, method View.constructor, method View.draw, method View.ready, method View.of,
        function useStore
        """,
    ),
    "page.tsx": (
        TSX,
        """
        type Props, function Button, function Page, class Old, method Old.render
        """,
    ),
    "ledger.go": (
        GO,
        """
        constant Debit, constant Credit, constant first, constant single, variable ErrClosed, variable mu,
        variable cache, type Kind, struct Entry, interface Store, method Store.Get, type Alias, struct List,
        type Handler, function init, function Map, method List.Push, method Entry.Zero, method Entry.String
        """,
    ),
    "Ledger.java": (
        JAVA,
        """
        class Ledger, constant Ledger.MAX_LINES, constant Ledger.MIN_LINES, method Ledger.Ledger,
        method Ledger.close, method Ledger.find, enum Ledger.Kind, method Ledger.Kind.sign,
        interface Ledger.Listener, constant Ledger.Listener.DEPTH, method Ledger.Listener.on,
        method Ledger.Listener.off, record Ledger.Line, method Ledger.Line.Line, method Ledger.Line.of,
        interface Ledger.Audited, method Ledger.Audited.value, class Ledger.Inner, class Ledger.Inner.Deep
        """,
    ),
    "ledger.rs": (
        RUST,
        """
        constant MAX_LINES, constant COUNT, type Result, struct Entry, struct Unit, struct Bits, enum Kind,
        trait Store, constant Store.NAME, type Store.Key, method Store.get, method Store.all, constant Entry.ZERO,
        method Entry.load, method Entry.fmt, method T.get, method Other.name, macro entry, function c_function,
        function raw, function raw.nested, module tests, function tests.works
        """,
    ),
}


@pytest.mark.parametrize("path", SAMPLES)
def test_every_construct_is_found_with_its_kind_and_name(path: str) -> None:
    text, expected = SAMPLES[path]
    found = [f"{symbol.kind} {symbol.qualified}" for symbol in parse(path, text.encode()).symbols]
    assert found == [" ".join(one.split()) for one in expected.split(",")]


@pytest.mark.parametrize("path", SAMPLES)
def test_a_symbol_spans_its_definition(path: str) -> None:
    data = SAMPLES[path][0].encode()
    for symbol in parse(path, data).symbols:
        defined = data[symbol.span.start_byte : symbol.span.end_byte]
        assert symbol.name.encode() in defined
        assert data[: symbol.span.start_byte].count(b"\n") + 1 == symbol.span.start_line
        assert symbol.span.start_line + defined.rstrip(b"\n").count(b"\n") == symbol.span.end_line
