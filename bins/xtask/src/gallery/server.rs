//! The server of the gallery, and the browser that reads its pages.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use xtask::process::{Outcome, target_directory};

/// `hookgate dev` with data of its own. Dropping the value ends it.
pub(super) struct Server {
    child: Child,
    directory: PathBuf,
    ready: Value,
}

impl Server {
    pub(super) fn start(directory: &Path) -> Outcome<Self> {
        let mut child = Command::new(binary())
            .args([
                "dev",
                "--json",
                "--gate",
                "127.0.0.1:0",
                "--console",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
        Ok(Self {
            child,
            directory: directory.to_owned(),
            ready: serde_json::from_str(&line).map_err(|_| "the server did not start")?,
        })
    }

    /// Runs a command on the server's data and returns its JSON.
    pub(super) fn command(&self, arguments: &[&str]) -> Outcome<Value> {
        let output = Command::new(binary())
            .args(arguments)
            .args(["--json", "--data"])
            .arg(&self.directory)
            .output()?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(format!("hookgate {}: {text}", arguments.join(" ")).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Sends a delivery and ignores the answer.
    pub(super) fn deliver(&self, url: &str, body: &str) -> Outcome<()> {
        let ca = self.text("ca")?;
        let sent = Command::new("curl")
            .args([
                "--silent",
                "--cacert",
                ca,
                "--data-binary",
                body,
                "--output",
                "/dev/null",
                url,
            ])
            .status()?;
        if sent.success() {
            Ok(())
        } else {
            Err("a delivery was not answered".into())
        }
    }

    fn text(&self, name: &str) -> Outcome<&str> {
        Ok(self.ready[name].as_str().ok_or_else(|| name.to_owned())?)
    }

    pub(super) fn browser(&self) -> Outcome<Browser> {
        let origin = self.text("console")?.to_owned();
        let jar = self.directory.join("cookies").display().to_string();
        let arguments = [
            "--silent",
            "--cacert",
            self.text("ca")?,
            "--cookie",
            &jar,
            "--cookie-jar",
            &jar,
        ];
        let browser = Browser {
            arguments: arguments.map(str::to_owned).to_vec(),
            origin,
        };
        let header = format!("Origin: {}", browser.origin);
        browser.curl(&["--header", &header, "--data", "csrf=", self.text("sign_in")?])?;
        Ok(browser)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A signed-in member, who uses curl.
pub(super) struct Browser {
    origin: String,
    arguments: Vec<String>,
}

impl Browser {
    /// The HTML of a page, which may be an error page.
    pub(super) fn get(&self, path: &str) -> Outcome<String> {
        self.curl(&[&format!("{}{path}", self.origin)])
    }

    fn curl(&self, more: &[&str]) -> Outcome<String> {
        let output = Command::new("curl").args(&self.arguments).args(more).output()?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?)
        } else {
            Err(format!("curl: {}", output.status).into())
        }
    }
}

/// The program that was just built.
fn binary() -> PathBuf {
    let target = target_directory();
    target.join("debug/hookgate")
}
