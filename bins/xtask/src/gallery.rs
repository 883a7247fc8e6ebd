//! `cargo xtask gallery DIRECTORY`: the console's pages with sample data, as files. They come from a real server, so
//! that they are what people see: pages made of invented values hid faults that occur with the server's values only.

mod samples;
mod server;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use server::{Browser, Server};
use xtask::process::{self, Outcome, cargo, need, root, say};

/// Programs of the task, with the Debian package of each.
const PROGRAMS: [(&str, &str); 1] = [("curl", "curl")];
/// Prefix of links to assets.
const ASSETS: &str = "\"/assets/";

#[derive(Args)]
pub(crate) struct GalleryArguments {
    /// The directory of the pages; open it with a web server, because the pages link to `/assets`
    #[arg(default_value = "target/gallery")]
    directory: PathBuf,
}

pub(crate) fn run(arguments: &GalleryArguments) -> Outcome<()> {
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
