//! Putting the entries of maps and sets in canonical order, within the buffer that holds them.

use std::cmp::Ordering;

use super::{MAP, write_head};

/// The order of two text keys in a canonical map: shorter first, then bytewise.
pub fn text_key_order(left: &str, right: &str) -> Ordering {
    (left.len(), left).cmp(&(right.len(), right))
}

/// A map whose entries `write` appends one after the other, telling where the key ends. The
/// entries are put in canonical order; equal keys stay in the order given.
pub fn write_map<T>(
    out: &mut Vec<u8>,
    entries: &[T],
    mut write: impl FnMut(&T, &mut Vec<u8>) -> usize,
) {
    write_head(out, MAP, entries.len() as u64);
    let start = out.len();
    let mut spans = Vec::with_capacity(entries.len());
    for entry in entries {
        let from = out.len() - start;
        let key_end = write(entry, out) - start;
        spans.push(Span {
            from,
            key_end,
            to: out.len() - start,
        });
    }
    sort_spans(out, start, &mut spans);
}

/// One entry of a map, or one element of a set, within a buffer: its first byte, the end of what
/// it is ordered by, and its end.
#[derive(Clone, Copy)]
pub struct Span {
    pub from: usize,
    pub key_end: usize,
    pub to: usize,
}

/// Puts the spans of `out[start..]`, which cover it, in bytewise order of their keys.
pub fn sort_spans(out: &mut Vec<u8>, start: usize, spans: &mut [Span]) {
    let body = &out[start..];
    let key = |span: &Span| &body[span.from..span.key_end];
    if spans.is_sorted_by(|left, right| key(left) <= key(right)) {
        return;
    }
    let body = body.to_vec();
    let key = |span: &Span| &body[span.from..span.key_end];
    spans.sort_by(|left, right| key(left).cmp(key(right)));
    out.truncate(start);
    for span in spans {
        let from = out.len() - start;
        out.extend_from_slice(&body[span.from..span.to]);
        *span = Span {
            from,
            key_end: from + span.key_end - span.from,
            to: out.len() - start,
        };
    }
}

/// As `sort_spans`, and drops what has the same key as the entry before. Returns what is left.
pub fn sort_and_dedup_spans(out: &mut Vec<u8>, start: usize, spans: &mut Vec<Span>) -> usize {
    sort_spans(out, start, spans);
    let mut kept: Vec<Span> = Vec::with_capacity(spans.len());
    let mut end = start;
    for span in spans.iter() {
        let key = |span: &Span| start + span.from..start + span.key_end;
        if kept
            .last()
            .is_some_and(|last| out[key(last)] == out[key(span)])
        {
            continue;
        }
        out.copy_within(start + span.from..start + span.to, end);
        let from = end - start;
        end += span.to - span.from;
        kept.push(Span {
            from,
            key_end: from + span.key_end - span.from,
            to: end - start,
        });
    }
    out.truncate(end);
    *spans = kept;
    spans.len()
}

/// Puts a head before what was appended since `start`.
pub fn insert_head(out: &mut Vec<u8>, start: usize, major: u8, argument: u64) {
    let end = out.len();
    write_head(out, major, argument);
    let size = out.len() - end;
    out[start..].rotate_right(size);
}
