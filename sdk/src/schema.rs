//! Types of schemas: records and variants, declared once, read and written by what is made of them.
//!
//! Owns the two macros, and the little that all variants have in common. Never knows a schema.

use crate::Refusal;
use crate::cbor::{Read, Reader};

/// Declares a struct that is a record in CBOR: a field for each of the record's, of the same name.
///
/// A field that the schema does not have is refused, and so is one that is there twice or missing;
/// an [`Option`] may be missing.
///
/// ```
/// sdk::record! {
///     /// What is kept of a job.
///     #[derive(Clone, Copy, Debug, PartialEq, Eq)]
///     pub struct Job<'a> {
///         /// What it is called.
///         pub name: &'a str,
///         pub coats: u64,
///         pub note: Option<&'a str>,
///     }
/// }
///
/// let job = Job { name: "paint", coats: 2, note: None };
/// let bytes = sdk::testing::encoded(&job);
/// assert_eq!(sdk::testing::decoded(&bytes), Ok(job));
/// ```
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $Name:ident { $($fields:tt)* }) => {
        $crate::__record! { [$(#[$meta])* $vis] $Name ['de] [] [] { $($fields)* } }
    };
    ($(#[$meta:meta])* $vis:vis struct $Name:ident<$life:lifetime> { $($fields:tt)* }) => {
        $crate::__record! { [$(#[$meta])* $vis] $Name [$life] [$life] [] { $($fields)* } }
    };
    ($(#[$meta:meta])* $vis:vis struct $Name:ident<$($T:ident),+> { $($fields:tt)* }) => {
        $crate::__record! { [$(#[$meta])* $vis] $Name ['de] [] [$($T)+] { $($fields)* } }
    };
}

/// The struct, and how it is read and written. `$de` is the lifetime of the input.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    (
        [$(#[$meta:meta])* $vis:vis] $Name:ident [$de:lifetime] [$($life:lifetime)?] [$($T:ident)*]
        { $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $Field:ty),* $(,)? }
    ) => {
        $(#[$meta])*
        $vis struct $Name<$($life,)? $($T),*> {
            $($(#[$field_meta])* $field_vis $field: $Field,)*
        }

        impl<$de, $($T: $crate::Decode<$de>),*> $crate::Decode<$de> for $Name<$($life,)? $($T),*> {
            fn decode(
                reader: &mut $crate::cbor::Reader<$de>,
            ) -> ::core::result::Result<Self, $crate::Refusal> {
                $crate::__decode_fields!(reader, Self, { $($field: $Field),* })
            }
        }

        impl<$($life,)? $($T: $crate::Encode),*> $crate::Encode for $Name<$($life,)? $($T),*> {
            fn encode<S: $crate::cbor::Sink>(&self, out: &mut S) {
                let Self { $($field),* } = self;
                $crate::__encode_fields!(out, { $($field),* });
            }
        }
    };
}

/// Reads a record with these fields, into this struct or arm.
#[doc(hidden)]
#[macro_export]
macro_rules! __decode_fields {
    ($reader:expr, $($Made:ident)::+, { $($field:ident: $Field:ty),* $(,)? }) => {{
        use $crate::cbor::Read as _;
        let reader: &mut $crate::cbor::Reader<'_> = $reader;
        $(let mut $field: ::core::option::Option<$Field> = None;)*
        for _ in 0..reader.pairs(0)? {
            let key = reader.str()?;
            $(if key == $crate::schema::field_name(stringify!($field)) {
                let name = const { &$crate::schema::field_name(stringify!($field)) };
                $crate::schema::read_field(reader, name, &mut $field)?;
                continue;
            })*
            return ::core::result::Result::Err($crate::Refusal::unknown_field(key.as_bytes()));
        }
        ::core::result::Result::Ok($($Made)::+ {
            $($field: $crate::schema::needed(
                $field,
                const { $crate::schema::field_name(stringify!($field)) },
            )?,)*
        })
    }};
}

/// Writes a record with these fields, which are bound to variables of the same names.
#[doc(hidden)]
#[macro_export]
macro_rules! __encode_fields {
    ($out:expr, { $($field:ident),* $(,)? }) => {{
        let names: &[&str] = &[$(const { $crate::schema::field_name(stringify!($field)) }),*];
        $out.map(names.len() as u64);
        $(
            $out.text(const { $crate::schema::field_name(stringify!($field)) });
            $crate::Encode::encode($field, $out);
        )*
    }};
}

/// Declares an enum that is a variant in CBOR, `{"$tag": text, "$value": …}`.
///
/// An arm may have a record's fields, one value of any type, or nothing, which is a unit. Its tag
/// is its name, unless another is given after `=`.
///
/// ```
/// sdk::variant! {
///     #[derive(Clone, Copy, Debug, PartialEq, Eq)]
///     pub enum Event<'a> {
///         Begin { name: &'a str, coats: u64 } = "begin",
///         Fired(sdk::sys::TimerFired<'a>) = "timer",
///         Stop,
///     }
/// }
///
/// let bytes = sdk::testing::encoded(&Event::Begin { name: "paint", coats: 2 });
/// assert_eq!(sdk::testing::decoded(&bytes), Ok(Event::Begin { name: "paint", coats: 2 }));
/// ```
#[macro_export]
macro_rules! variant {
    ($(#[$meta:meta])* $vis:vis enum $Name:ident { $($arms:tt)* }) => {
        $crate::__variant! { [$(#[$meta])* $vis] $Name ['de] [] { $($arms)* } }
    };
    ($(#[$meta:meta])* $vis:vis enum $Name:ident<$life:lifetime> { $($arms:tt)* }) => {
        $crate::__variant! { [$(#[$meta])* $vis] $Name [$life] [$life] { $($arms)* } }
    };
}

/// The enum, and how it is read and written.
#[doc(hidden)]
#[macro_export]
macro_rules! __variant {
    (
        [$(#[$meta:meta])* $vis:vis] $Name:ident [$de:lifetime] [$($life:lifetime)?]
        { $(
            $(#[$arm_meta:meta])*
            $Arm:ident
            $(($Value:ty))?
            $({ $($(#[$field_meta:meta])* $field:ident: $Field:ty),* $(,)? })?
            $(= $tag:literal)?
        ),* $(,)? }
    ) => {
        $(#[$meta])*
        $vis enum $Name<$($life)?> {
            $($(#[$arm_meta])* $Arm
                $(($Value))?
                $({ $($(#[$field_meta])* $field: $Field),* })?,)*
        }

        impl<$de> $crate::Decode<$de> for $Name<$($life)?> {
            fn decode(
                reader: &mut $crate::cbor::Reader<$de>,
            ) -> ::core::result::Result<Self, $crate::Refusal> {
                let (tag, mut value) = $crate::schema::tag_and_value(reader)?;
                $(
                    const { assert!($crate::schema::is_tag($crate::__tag!($Arm $($tag)?))) };
                    if tag == $crate::__tag!($Arm $($tag)?) {
                        let read = |value: &mut $crate::cbor::Reader<$de>| {
                            $crate::__decode_arm!(
                                value, $Arm $(($Value))? $({ $($field: $Field),* })?
                            )
                        };
                        return read(&mut value).map_err(|it: $crate::Refusal| {
                            it.within(&$crate::__tag!($Arm $($tag)?))
                        });
                    }
                )*
                ::core::result::Result::Err($crate::Refusal::unknown_tag(tag.as_bytes()))
            }
        }

        impl<$($life)?> $crate::Encode for $Name<$($life)?> {
            fn encode<S: $crate::cbor::Sink>(&self, out: &mut S) {
                $($crate::__encode_arm!(
                    self, out, $crate::__tag!($Arm $($tag)?),
                    $Arm $(($Value))? $({ $($field),* })?
                );)*
            }
        }
    };
}

/// The tag of an arm.
#[doc(hidden)]
#[macro_export]
macro_rules! __tag {
    ($Arm:ident) => {
        stringify!($Arm)
    };
    ($Arm:ident $tag:literal) => {
        $tag
    };
}

/// Reads what an arm holds.
#[doc(hidden)]
#[macro_export]
macro_rules! __decode_arm {
    ($reader:ident, $Arm:ident) => {
        <() as $crate::Decode>::decode($reader).map(|()| Self::$Arm)
    };
    ($reader:ident, $Arm:ident ($Value:ty)) => {
        <$Value as $crate::Decode>::decode($reader).map(Self::$Arm)
    };
    ($reader:ident, $Arm:ident { $($fields:tt)* }) => {
        $crate::__decode_fields!($reader, Self::$Arm, { $($fields)* })
    };
}

/// Writes an arm, if it is that one.
#[doc(hidden)]
#[macro_export]
macro_rules! __encode_arm {
    ($this:ident, $out:ident, $tag:expr, $Arm:ident) => {
        if let Self::$Arm = $this {
            $out.map(1);
            $out.text("$tag");
            $out.text($tag);
        }
    };
    ($this:ident, $out:ident, $tag:expr, $Arm:ident ($Value:ty)) => {
        if let Self::$Arm(value) = $this {
            $crate::schema::open_arm($out, $tag);
            $crate::Encode::encode(value, $out);
        }
    };
    ($this:ident, $out:ident, $tag:expr, $Arm:ident { $($field:ident),* }) => {
        if let Self::$Arm { $($field),* } = $this {
            $crate::schema::open_arm($out, $tag);
            $crate::__encode_fields!($out, { $($field),* });
        }
    };
}

/// The name of a field in CBOR, for one in Rust, which may be `r#type`.
#[doc(hidden)]
pub const fn field_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Tags are named in refusals, which have no room for an empty one.
#[doc(hidden)]
pub const fn is_tag(tag: &str) -> bool {
    !tag.is_empty()
}

/// Reads a field that may be there once.
#[doc(hidden)]
pub fn read_field<'a, T: crate::Decode<'a>>(
    reader: &mut Reader<'a>,
    name: &'static &'static str,
    slot: &mut Option<T>,
) -> Result<(), Refusal> {
    let value = T::decode(reader).map_err(|refusal| refusal.within(name))?;
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::twice(name)),
    }
}

/// The value of a field, which may be missing only if its type says so.
#[doc(hidden)]
pub fn needed<'a, T: crate::Decode<'a>>(slot: Option<T>, name: &'static str) -> Result<T, Refusal> {
    slot.or_else(T::absent)
        .ok_or_else(|| Refusal::missing(name))
}

/// A variant's tag, and a reader of its value, which is null if there is none.
#[doc(hidden)]
pub fn tag_and_value<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, Reader<'a>), Refusal> {
    let (mut tag, mut value) = (None, None);
    for _ in 0..reader.pairs(2)? {
        match reader.str()? {
            "$tag" => crate::record::fill(&mut tag, "$tag", reader.str()?)?,
            "$value" => {
                crate::record::fill(&mut value, "$value", *reader)?;
                reader.skip()?;
            }
            other => return Err(Refusal::unknown_field(other.as_bytes())),
        }
    }
    let tag = tag.ok_or_else(|| Refusal::missing("$tag"))?;
    Ok((tag, value.unwrap_or(Reader::new(&[crate::cbor::NULL]))))
}

/// Writes a variant up to its value.
#[doc(hidden)]
pub fn open_arm(out: &mut impl crate::cbor::Sink, tag: &str) {
    out.map(2);
    out.text("$tag");
    out.text(tag);
    out.text("$value");
}
