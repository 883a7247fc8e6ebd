//! `cargo xtask gallery DIRECTORY`: the console's pages with sample data, as files. They come from a real server, so
//! that they are what people see: pages made of invented values hid faults that occur with the server's values only.

mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::Args;
use serde_json::Value;

use xtask::process::{self, Outcome, cargo, need, root, say, target_directory};

/// Programs of the task, with the Debian package of each.
const PROGRAMS: [(&str, &str); 1] = [("curl", "curl")];
/// Prefix of links to assets.
const ASSETS: &str = "\"/assets/";

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of the pages; open it with a web server, because the pages link to `/assets`
    #[arg(default_value = "target/gallery")]
    directory: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let directory = root().join(&arguments.directory);
    write(&directory)?;
    say(&format!(
        "the pages are in {0}: python3 -m http.server --directory {0}",
        directory.display()
    ));
    Ok(())
}

/// Writes the pages and their assets.
pub(crate) fn write(to: &Path) -> Outcome<()> {
    need(&PROGRAMS)?;
    process::run(cargo().args(["build", "--quiet", "--locked", "--package", "hookgate"]))?;
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to.join("assets"))?;
    let data = to.join("data");
    let server = Server::start(&data.join("new"))?;
    let browser = server.browser()?;
    write_pages(&browser, &samples::PAGES_WHEN_EMPTY, to)?;
    let server = Server::start(&data.join("filled"))?;
    samples::fill(&server)?;
    let browser = server.browser()?;
    let pages = samples::pages(&server)?;
    let pages: Vec<_> = pages.iter().map(|(name, path)| (*name, path.as_str())).collect();
    write_pages(&browser, &pages, to)?;
    drop(server);
    Ok(fs::remove_dir_all(data)?)
}

fn write_pages(browser: &Browser, pages: &[(&str, &str)], to: &Path) -> Outcome<()> {
    let mut assets = BTreeSet::new();
    for (name, path) in pages {
        let html = browser.get(path)?;
        if !html.starts_with("<!doctype html>") {
            return Err(format!("{path} is no page").into());
        }
        let links = html.split(ASSETS).skip(1);
        assets.extend(links.filter_map(|rest| rest.split('"').next().map(str::to_owned)));
        fs::write(to.join(format!("{name}.html")), html)?;
    }
    for asset in assets {
        let file = to.join("assets").join(&asset);
        fs::write(file, browser.get(&format!("/assets/{asset}"))?)?;
    }
    Ok(())
}

/// `hookgate dev` with data of its own. Dropping the value ends it.
pub(super) struct Server {
    child: Child,
    directory: PathBuf,
    ready: Value,
}

impl Server {
    fn start(directory: &Path) -> Outcome<Self> {
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

    fn browser(&self) -> Outcome<Browser> {
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
struct Browser {
    origin: String,
    arguments: Vec<String>,
}

impl Browser {
    /// The HTML of a page, which may be an error page.
    fn get(&self, path: &str) -> Outcome<String> {
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
