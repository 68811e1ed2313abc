//! The forms of values that are written as text: hashes, uuids, decimals, times and durations.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::hash::Hash;
use crate::problems::value_error::ValueError;
use crate::text::quote::quote;

/// Digits that a dec128 (IEEE 754 decimal128) holds.
const MAX_DECIMAL_DIGITS: usize = 34;
const MAX_DECIMAL_EXPONENT: u32 = 6144;

/// A hash is written one way only.
pub fn hash(text: &str) -> Result<String, ValueError> {
    match text.parse::<Hash>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let expected = error.to_string().replace("expected ", "");
            Err(ValueError::new(expected, quote(text)))
        }
    }
}

/// A uuid may come in capitals (RFC 9562) and is kept in small letters.
pub fn uuid(text: &str) -> Result<String, ValueError> {
    let dashes = [8, 13, 18, 23];
    let fits = |(index, byte): (usize, u8)| match dashes.contains(&index) {
        true => byte == b'-',
        false => byte.is_ascii_hexdigit(),
    };
    if text.len() == 36 && text.bytes().enumerate().all(fits) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(ValueError::new(
        "a uuid, 32 hex digits in groups of 8-4-4-4-12",
        quote(text),
    ))
}

/// A decimal keeps the spelling it has: `1.0` and `1` are different values.
pub fn dec128(text: &str) -> Result<String, ValueError> {
    if is_decimal(text) {
        return Ok(text.to_owned());
    }
    let expected = format!("a decimal of at most {MAX_DECIMAL_DIGITS} digits, such as `-12.50`");
    Err(ValueError::new(expected, quote(text)))
}

fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent_ok = exponent.is_none_or(|exponent| {
        let plain = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        digits(plain)
            && plain
                .parse()
                .is_ok_and(|size: u32| size <= MAX_DECIMAL_EXPONENT)
    });
    let number_ok = match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    };
    let count = number.bytes().filter(u8::is_ascii_digit).count();
    exponent_ok && number_ok && count <= MAX_DECIMAL_DIGITS
}

/// A moment of RFC 3339 as ns since 1970.
pub fn time_ns(text: &str) -> Option<u64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(moment.unix_timestamp_nanos()).ok()
}

/// A duration of RFC 3339, appendix A, as ns: `P1DT2H3M4.5S` or `P2W`, perhaps with a minus.
///
/// Years and months have no fixed length, so they are refused.
pub fn duration_ns(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let rest = rest.strip_prefix('P')?;
    let (date, clock) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, clock)) => (date, clock),
        None => (rest, ""),
    };
    if rest.is_empty() {
        return None;
    }
    const SECOND: i128 = 1_000_000_000;
    let date = amounts(date, &[('W', 604_800 * SECOND), ('D', 86_400 * SECOND)])?;
    let clock = amounts(
        clock,
        &[('H', 3600 * SECOND), ('M', 60 * SECOND), ('S', SECOND)],
    )?;
    i64::try_from(sign * (date + clock)).ok()
}

/// The sum of amounts with their units, which must come in the order given.
fn amounts(text: &str, units: &[(char, i128)]) -> Option<i128> {
    let mut sum = 0;
    let mut rest = text;
    for (letter, size_ns) in units {
        let Some((amount, after)) = rest.split_once(*letter) else {
            continue;
        };
        sum += amount_ns(amount, *size_ns, *letter == 'S')?;
        rest = after;
    }
    rest.is_empty().then_some(sum)
}

fn amount_ns(amount: &str, size_ns: i128, fraction_allowed: bool) -> Option<i128> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    let has_fraction = whole.len() != amount.len();
    if !digits(whole) || !digits(fraction) || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    if has_fraction && !fraction_allowed {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(i128::from(whole) * size_ns + if has_fraction { fraction } else { 0 })
}
