//! Tools of the tests that are not Debian packages. They are fetched once into the build directory and never committed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use xtask::process::{self, Outcome, root, say};

/// The accessibility checks that run inside pages, and the SHA-256 of their package in the npm registry.
const AXE: &str = "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz";
const AXE_SHA256: &str = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745";
/// The name of that package.
pub(crate) const AXE_CORE: &str = "axe-core";
/// Tools from `PyPI`: the property-based client of the admin API, and the scanner of TLS servers.
const PYTHON_TOOLS: [(&str, &str); 2] = [("schemathesis", "4.32.5"), ("sslyze", "6.3.1")];

/// Fetches missing tools.
pub(crate) fn need_tools() -> Outcome<()> {
    axe()?;
    PYTHON_TOOLS
        .iter()
        .try_for_each(|(program, version)| python_tool(program, version))
}

/// `true` if a tool was fetched.
pub(crate) fn is_fetched(tool: &str) -> bool {
    let file = match tool {
        AXE_CORE => directory().join("axe.min.js"),
        program => python_program(program),
    };
    file.is_file()
}

/// The directory of the tools.
fn directory() -> PathBuf {
    root().join("target/tools")
}

fn axe() -> Outcome<()> {
    if is_fetched(AXE_CORE) {
        return Ok(());
    }
    let script = directory().join("axe.min.js");
    say(&format!("fetching {AXE}"));
    fs::create_dir_all(directory())?;
    let archive = directory().join("axe.tgz");
    process::run(
        Command::new("curl")
            .args(["-fsSL", "--retry", "3", "-o"])
            .arg(&archive)
            .arg(AXE),
    )?;
    let sum = Command::new("sha256sum").arg(&archive).output()?;
    if !sum.stdout.starts_with(AXE_SHA256.as_bytes()) {
        fs::remove_file(&archive)?;
        return Err(format!("{AXE} is not the package that was chosen: its SHA-256 is another").into());
    }
    let unpack = Command::new("tar")
        .args(["-xzO", "-f"])
        .arg(&archive)
        .arg("package/axe.min.js")
        .output()?;
    if !unpack.status.success() {
        return Err("axe.min.js is not in its package".into());
    }
    Ok(fs::write(script, unpack.stdout)?)
}

/// The path of a Python program.
fn python_program(program: &str) -> PathBuf {
    directory().join(program).join("bin").join(program)
}

/// Installs a Python program into a virtual environment of its own.
fn python_tool(program: &str, version: &str) -> Outcome<()> {
    if is_fetched(program) {
        return Ok(());
    }
    let home = directory().join(program);
    let package = format!("{program}=={version}");
    say(&format!("installing {package} from PyPI"));
    // In Debian the module that makes environments is a package of its own.
    let can_make = Command::new("python3").args(["-c", "import ensurepip"]).output();
    if !can_make.is_ok_and(|output| output.status.success()) {
        process::install(&["python3-venv"])?;
    }
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    process::run(Command::new(home.join("bin/pip")).args(["install", "--quiet", &package]))
}
