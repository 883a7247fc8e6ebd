//! The change that a command has made before it prints. If printing fails, the change remains and a secret that is shown
//! once is lost: the failure reports both, and the remedy.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use rustix::fs::{OFlags, fcntl_getfl};

use crate::failure::Failure;

/// A completed change.
pub(crate) struct Effect {
    /// The change as a sentence without its full stop: `the webhook w has a new URL`.
    done: String,
    /// The remedy if the output is lost.
    remedy: Option<String>,
}

impl Effect {
    /// A change with this description.
    pub(crate) fn of(done: impl Into<String>) -> Self {
        Self {
            done: done.into(),
            remedy: None,
        }
    }

    /// Adds the remedy for a lost output that contains a secret that is shown once.
    pub(crate) fn or_else(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The failure of a command that made this change and could not complete the rest.
    pub(crate) fn but(self, undone: &str, error: impl Into<Failure>) -> Failure {
        let failure = error.into();
        let message = format!("{}, but {undone} ({})", self.done, failure.message());
        failure.with_message(message + &self.remedy_clause())
    }

    fn remedy_clause(&self) -> String {
        let remedy = self.remedy.as_ref();
        remedy.map_or_else(String::new, |remedy| format!(": {remedy}"))
    }

    /// The result of a command that made this change and then printed its output.
    ///
    /// # Errors
    /// The output could not be printed, or its reader has closed it: the failure reports the change nevertheless.
    pub(crate) fn report(self, printed: Result<(), Failure>) -> Result<(), Failure> {
        printed.map_err(|failure| {
            if !failure.is_of_output() {
                return failure;
            }
            Failure::unprinted(format!(
                "{}, but the answer could not be printed ({}){}",
                self.done,
                failure.message(),
                self.remedy_clause()
            ))
        })
    }
}

/// Refuses to continue if standard output is closed, before a secret is created that is shown once.
///
/// The runtime replaces a closed standard output by the null device, opened for reading and writing; this checks for that.
/// `> /dev/null` opens it for writing only, and means that nobody wants the output.
///
/// # Errors
/// Standard output is closed.
pub(crate) fn require_output() -> Result<(), Failure> {
    if is_closed(std::io::stdout()) {
        return Err(Failure::usage(
            "standard output is closed, so the secret could not be shown; nothing was done",
        ));
    }
    Ok(())
}

fn is_closed(output: impl AsFd) -> bool {
    let is_for_both = fcntl_getfl(&output).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR);
    is_for_both && is_null(output).unwrap_or(false)
}

fn is_null(output: impl AsFd) -> std::io::Result<bool> {
    let output = File::from(output.as_fd().try_clone_to_owned()?).metadata()?;
    let null = std::fs::metadata("/dev/null")?;
    Ok(output.file_type().is_char_device() && output.rdev() == null.rdev())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_lost_answer_says_what_was_done() {
        let broken = |kind: io::ErrorKind| Err(Failure::from(io::Error::from(kind)));
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::BrokenPipe] {
            let effect = Effect::of("the webhook w has a new URL").or_else("run it again");
            let failure = effect.report(broken(kind)).unwrap_err();
            let message = failure.message();
            assert!(
                message.starts_with("the webhook w has a new URL, but"),
                "{message}"
            );
            assert!(message.ends_with(": run it again"), "{message}");
        }
        let other = Effect::of("x").report(Err(Failure::not_found("y"))).unwrap_err();
        assert_eq!(other.message(), "y");
    }

    #[test]
    fn a_command_that_did_a_part_says_which() {
        let effect = Effect::of("the member m was added").or_else("run it again");
        let failure = effect.but("its link could not be created", Failure::unreachable("no store"));
        assert_eq!(
            failure.message(),
            "the member m was added, but its link could not be created (no store): run it again"
        );
        assert!(!failure.is_of_output());
    }

    #[test]
    fn what_the_runtime_puts_for_a_closed_output_is_told_from_null_on_purpose() {
        let open = |read| File::options().read(read).write(true).open("/dev/null").unwrap();
        assert!(is_closed(open(true)));
        assert!(!is_closed(open(false)));
        assert!(!is_closed(tempfile::tempfile().unwrap()));
    }
}
