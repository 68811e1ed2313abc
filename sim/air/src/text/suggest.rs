//! "Did you mean": the known name nearest to one that is not known.

use super::quote::quote;

/// "did you mean `x`?", for the candidate nearest to a text that is none of them.
pub fn suggest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const MAX_CANDIDATES: usize = 500;
    let nearest = candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .map(|candidate| (distance(text, candidate), candidate))
        .min()?;
    let limit = (text.len() / 3).min(3);
    (nearest.0 <= limit).then(|| format!("did you mean {}?", quote(nearest.1)))
}

/// Edit distance in characters; long or very different texts are just far apart.
fn distance(left: &str, right: &str) -> usize {
    const MAX_SIZE: usize = 64;
    const FAR: usize = usize::MAX;
    if left.len().max(right.len()) > MAX_SIZE || left.len().abs_diff(right.len()) > 3 {
        return FAR;
    }
    strsim::levenshtein(left, right)
}
