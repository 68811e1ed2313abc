//! Reading the fields of a record, in either form.
//!
//! Owns that each field is there once and no other is. Never knows what a field means.

use crate::refusal::{Refusal, Refuse};

/// Reads a record: declares each slot, an `Option` of what is read after its key.
///
/// The order written here is the canonical one, in which every key is there but the `rare` ones.
/// A reader that wants them in that order is never asked which key it has; with any other, keys
/// may come in any order.
///
/// ```
/// use sdk::cbor::{Read, Reader};
/// use sdk::record::needed;
///
/// fn point<'a, R: Read<'a>>(reader: &mut R) -> Result<(u64, u64), R::Refusal> {
///     sdk::fields!(reader: R, {
///         b"x" => x = reader.nat()?,
///         b"y" => y = reader.nat()?,
///     });
///     Ok((needed(x, "x")?, needed(y, "y")?))
/// }
///
/// let mut reader = Reader::new(b"\xa2\x61y\x02\x61x\x01");
/// assert_eq!(point(&mut reader), Ok((1, 2)));
/// ```
#[macro_export]
macro_rules! fields {
    (
        $reader:ident: $Reader:ident,
        { $($key:literal => $slot:ident = $read:expr,)* }
        $(rare { $($rare_key:literal => $rare_slot:ident = $rare_read:expr,)* })?
    ) => {
        $(let mut $slot = None;)*
        $($(let mut $rare_slot = None;)*)?
        let pairs = $reader.pairs([$($key.len()),*].len())?;
        if $Reader::IN_ORDER {
            $(
                $reader.key($key)?;
                $crate::record::fill(&mut $slot, const { &$crate::record::name($key) }, $read)?;
            )*
        } else {
            for _ in 0..pairs {
                match $reader.text_bytes()? {
                    $($key => {
                        let value = $crate::record::named::<_, $Reader::Refusal>(
                            const { &$crate::record::name($key) },
                            || Ok($read),
                        )?;
                        $crate::record::fill(
                            &mut $slot,
                            const { &$crate::record::name($key) },
                            value,
                        )?;
                    })*
                    $($($rare_key => {
                        let value = $crate::record::named::<_, $Reader::Refusal>(
                            const { &$crate::record::name($rare_key) },
                            || Ok($rare_read),
                        )?;
                        $crate::record::fill(
                            &mut $rare_slot,
                            const { &$crate::record::name($rare_key) },
                            value,
                        )?;
                    })*)?
                    other => return Err($crate::Refusal::unknown_field(other).into()),
                }
            }
        }
    };
}

/// What is read, or `None` for null.
#[macro_export]
macro_rules! option {
    ($reader:ident, $read:expr) => {
        if $reader.null() { None } else { Some($read) }
    };
}

/// A key as the text that it is; empty if it is none.
pub const fn name(key: &'static [u8]) -> &'static str {
    match core::str::from_utf8(key) {
        Ok(name) => name,
        Err(_) => "",
    }
}

/// Reads a field; a refusal names it.
#[inline(never)]
pub fn named<T, R: Refuse>(
    name: &'static &'static str,
    read: impl FnOnce() -> Result<T, R>,
) -> Result<T, R> {
    read().map_err(|refusal| refusal.inside(name))
}

/// Puts a value into its slot, which must be empty.
#[inline(always)]
pub fn fill<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), Refusal> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::twice(name)),
    }
}

/// The value of a field that must be there.
#[inline(always)]
pub fn needed<T>(slot: Option<T>, name: &'static str) -> Result<T, Refusal> {
    slot.ok_or_else(|| Refusal::missing(name))
}
