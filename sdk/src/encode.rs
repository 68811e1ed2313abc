//! How a value is written as CBOR.
//!
//! Owns what each type becomes. Writes heads as short as they can be and the fields of a record in
//! the order in which they are declared: the host puts keys in order.

use core::fmt::{self, Write};

use crate::cbor::{MAJOR_TEXT, Sink};
use crate::decode::{Decode, List, Map};

/// A type that is written as CBOR. [`record!`](crate::record!) and [`variant!`](crate::variant!)
/// make such types; the others are those of [`Decode`], [`Items`], [`Pairs`], and what
/// `format_args!` returns, which is a text.
pub trait Encode {
    /// Writes the value.
    fn encode<S: Sink>(&self, out: &mut S);
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode<S: Sink>(&self, out: &mut S) {
        T::encode(self, out);
    }
}

impl Encode for u64 {
    fn encode<S: Sink>(&self, out: &mut S) {
        out.nat(*self);
    }
}

impl Encode for i64 {
    fn encode<S: Sink>(&self, out: &mut S) {
        out.int(*self);
    }
}

impl Encode for bool {
    fn encode<S: Sink>(&self, out: &mut S) {
        out.boolean(*self);
    }
}

impl Encode for str {
    fn encode<S: Sink>(&self, out: &mut S) {
        out.text(self);
    }
}

impl Encode for [u8] {
    fn encode<S: Sink>(&self, out: &mut S) {
        out.bytes(self);
    }
}

impl Encode for () {
    fn encode<S: Sink>(&self, out: &mut S) {
        out.null();
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode<S: Sink>(&self, out: &mut S) {
        match self {
            Some(value) => value.encode(out),
            None => out.null(),
        }
    }
}

/// A text without a place of its own: it is written twice, the first time to see how long it is.
impl Encode for fmt::Arguments<'_> {
    fn encode<S: Sink>(&self, out: &mut S) {
        struct Length(usize);
        impl Write for Length {
            fn write_str(&mut self, piece: &str) -> fmt::Result {
                self.0 += piece.len();
                Ok(())
            }
        }
        struct Into<'s, S>(&'s mut S);
        impl<S: Sink> Write for Into<'_, S> {
            fn write_str(&mut self, piece: &str) -> fmt::Result {
                self.0.put(piece.as_bytes());
                Ok(())
            }
        }
        let mut length = Length(0);
        // Neither fails.
        _ = length.write_fmt(*self);
        out.head(MAJOR_TEXT, length.0 as u64);
        _ = Into(out).write_fmt(*self);
    }
}

/// The items of an iterator, as a list. It is gone through twice, the first time to count.
#[derive(Clone, Copy, Debug)]
pub struct Items<I>(pub I);

impl<I: Iterator<Item: Encode> + Clone> Encode for Items<I> {
    fn encode<S: Sink>(&self, out: &mut S) {
        out.array(self.0.clone().count() as u64);
        self.0.clone().for_each(|item| item.encode(out));
    }
}

impl<'a, T: Decode<'a> + Encode> Encode for List<'a, T> {
    fn encode<S: Sink>(&self, out: &mut S) {
        Items(self.iter()).encode(out);
    }
}

/// The pairs of an iterator, as a map. It is gone through twice, the first time to count.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<I>(pub I);

impl<K: Encode, V: Encode, I: Iterator<Item = (K, V)> + Clone> Encode for Pairs<I> {
    fn encode<S: Sink>(&self, out: &mut S) {
        out.map(self.0.clone().count() as u64);
        self.0.clone().for_each(|(key, value)| {
            key.encode(out);
            value.encode(out);
        });
    }
}

impl<'a, K: Decode<'a> + Encode, V: Decode<'a> + Encode> Encode for Map<'a, K, V> {
    fn encode<S: Sink>(&self, out: &mut S) {
        Pairs(self.iter()).encode(out);
    }
}
