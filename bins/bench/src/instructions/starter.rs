//! Starters that run another program in the place of the one that they start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::systems::System;
use xtask::process::target_directory;

/// The build that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// The build of a release.
    Release,
    /// The same code with the names of functions and the lines of sources.
    WithSymbols,
}

impl Build {
    /// The program of a system.
    pub(super) fn program(self, system: System) -> PathBuf {
        let directory = match self {
            Self::Release => "release",
            Self::WithSymbols => "symbols",
        };
        let name = match system {
            System::Echo => "examples/bare_echo",
            _ => "hookgate",
        };
        target_directory().join(directory).join(name)
    }
}

/// A starter that runs `words`, a shell command, with the arguments of the program that is started. The command may
/// contain `"$PROGRAM"` and `"$OUTPUT"`, which are these two paths.
pub(super) fn in_place(words: &str, program: &Path, output: &Path) -> Vec<OsString> {
    let variable = |name: &str, value: &Path| {
        let mut assignment = OsString::from(name);
        assignment.push(value);
        assignment
    };
    vec![
        "env".into(),
        variable("PROGRAM=", program),
        variable("OUTPUT=", output),
        "sh".into(),
        "-c".into(),
        // The path of the replaced program follows as `$0`.
        format!("exec {words} \"$@\"").into(),
    ]
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn another_program_gets_the_arguments() {
        let starter = in_place(
            r#"env FILE="$OUTPUT" "$PROGRAM" -c 'echo "$FILE $0 $1"'"#,
            Path::new("/bin/sh"),
            Path::new("/a file"),
        );
        let output = Command::new(&starter[0])
            .args(&starter[1..])
            .args(["/replaced", "one", "two three"])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            "/a file one two three\n"
        );
    }
}
