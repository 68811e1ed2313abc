//! Spans of time that a world may count with: numbers of its `sim.toml`, and those of its code.

use sim_model::constants::spans_ns;

/// The spans of time that the numbers of a file may be, and those of the code. The file has few,
/// which say more: they are there as often as all of the others together.
pub(crate) fn of(text: &str, of_code: &[u64]) -> Vec<u64> {
    let is_number = |part: char| part.is_ascii_digit() || part == '_';
    let numbers = text.split(|part| !is_number(part));
    let numbers = numbers.filter_map(|number| number.replace('_', "").parse().ok());
    let of_file = spans_ns(numbers);
    let times = of_code.len().checked_div(of_file.len()).unwrap_or(0).max(1);
    let of_file = of_file.iter().cycle().take(times * of_file.len());
    of_file.chain(of_code).copied().collect()
}
