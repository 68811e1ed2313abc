//! What a session has on disk: a draft of each failure as soon as it is seen, and in its place the
//! case that stays.

use std::path::{Path, PathBuf};

use sim_cases::store::{self, Draft, WriteError};
use sim_model::Signature;
use sim_report::event::{Case, Failed, Unwritten, ViolatedBy};
use sim_search::campaign::Summary;

use crate::Finding;

/// Where the cases of a session are, and which.
pub(crate) struct Stored<'a> {
    pub folder: PathBuf,
    /// The command that replays a case file.
    replay: &'a dyn Fn(&Path) -> String,
    /// What is on disk of failures that have no case yet.
    drafts: Vec<(Signature, Draft)>,
    known: Vec<Known>,
}

/// A failure that has its case.
struct Known {
    signature: Signature,
    runs: u64,
    decisions: usize,
    case: Case,
}

impl<'a> Stored<'a> {
    pub fn new(folder: PathBuf, replay: &'a dyn Fn(&Path) -> String) -> Stored<'a> {
        Stored {
            folder,
            replay,
            drafts: Vec::new(),
            known: Vec::new(),
        }
    }

    /// How many failures have their cases.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    pub fn is_known(&self, signature: &Signature) -> bool {
        let mut known = self.known.iter();
        known.any(|known| known.signature == *signature)
    }

    /// Writes a finding down as it is.
    pub fn keep(&mut self, finding: &Finding, case: &sim_cases::Case) -> Result<(), WriteError> {
        let draft = Draft::create(&self.folder, finding.first(), case)?;
        self.put_draft(finding.sighting.signature.clone(), draft);
        Ok(())
    }

    pub fn put_draft(&mut self, signature: Signature, draft: Draft) {
        self.drafts.push((signature, draft));
    }

    pub fn take_draft(&mut self, signature: &Signature) -> Option<Draft> {
        let place = self.drafts.iter().position(|(of, _)| of == signature)?;
        Some(self.drafts.swap_remove(place).1)
    }

    /// Its drafts are not needed any more.
    pub fn discard(&mut self, signature: &Signature) {
        while let Some(draft) = self.take_draft(signature) {
            draft.discard();
        }
    }

    /// Writes the case that stays of a finding; its draft is not needed then.
    pub fn write(&mut self, finding: &Finding, case: &sim_cases::Case, draft: &Signature) -> Case {
        let written = store::write(&self.folder, finding.first(), case);
        let case = match written {
            Ok(written) => {
                self.discard(draft);
                Case {
                    file: written.path.display().to_string(),
                    replay: (self.replay)(&written.path),
                    was_known: written.was_known,
                    unwritten: None,
                }
            }
            Err(error) => self.unwritten(finding, case, &error),
        };
        self.known.push(Known {
            signature: finding.sighting.signature.clone(),
            runs: finding.runs,
            decisions: finding.decisions(),
            case: case.clone(),
        });
        case
    }

    /// A case that could not be written goes out whole, if it could be read back.
    fn unwritten(&self, finding: &Finding, case: &sim_cases::Case, error: &WriteError) -> Case {
        let path = self.folder.join(format!("{}.json", finding.first()));
        Case {
            file: path.display().to_string(),
            replay: (self.replay)(&path),
            was_known: false,
            unwritten: Some(Unwritten {
                because: causes(error),
                text: match error {
                    WriteError::TooLarge { .. } => String::new(),
                    _ => case.to_text(),
                },
            }),
        }
    }

    /// The failures, in order.
    pub fn failures(&self) -> Vec<Failed> {
        let failures = self.known.iter().map(|known| Failed {
            signature: known.signature.to_string(),
            runs: known.runs,
            decisions: known.decisions,
            case: known.case.file.clone(),
        });
        failures.collect()
    }

    /// Each property that some run violated, with its shortest case.
    pub fn violated(&self, summary: &Summary) -> Vec<ViolatedBy> {
        let by = summary.judged.iter().filter(|one| one.violated > 0);
        let violated = by.map(|one| {
            let name = &one.property.name;
            let mut cases: Vec<&Known> = self.known.iter().collect();
            cases.retain(|known| known.signature.violates.contains(name));
            let shortest = cases.into_iter().min_by_key(|known| known.decisions);
            ViolatedBy {
                invariant: name.to_string(),
                runs: one.violated,
                decisions: shortest.map(|known| known.decisions),
                case: shortest.map(|known| known.case.file.clone()),
            }
        });
        violated.collect()
    }
}

/// An error and its causes in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}
