//! A person with a browser.

use std::time::Duration;

use hookgate_testkit::browser::{Browser, By, Setup, WebElement};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::support::Server;

/// Maximum time to wait for an expected event.
const PATIENCE: Duration = Duration::from_secs(15);
const STEP: Duration = Duration::from_millis(40);
/// Time that a button says that it has copied, less some time to read it.
const COPIED: Duration = Duration::from_secs(2);
const ENTER: &str = "\u{E007}";

/// A browser that runs no scripts.
pub(crate) const NO_SCRIPTS: Setup = Setup {
    scripts: false,
    window: (1280, 900),
    dark: false,
    zone: "UTC",
};

/// A browser window at the console.
pub(crate) struct Person {
    pub(crate) browser: Browser,
    origin: String,
}

impl Person {
    /// Opens a browser without a sign-in.
    pub(crate) async fn new(server: &Server, setup: Setup) -> Self {
        Self {
            browser: Browser::start(setup).await.unwrap(),
            origin: server.console().to_owned(),
        }
    }

    /// Signs in by the link that the server printed.
    pub(crate) async fn signed_in(server: &Server, setup: Setup) -> Self {
        let person = Self::new(server, setup).await;
        person.sign_in(server.ready["sign_in"].as_str().unwrap()).await;
        person
    }

    /// Uses a sign-in link.
    pub(crate) async fn sign_in(&self, link: &str) {
        self.browser.driver.goto(link).await.unwrap();
        self.press("Sign in").await;
        self.sees("Webhooks").await;
    }

    /// Opens a page of the console.
    pub(crate) async fn go(&self, path: &str) {
        let url = format!("{}{path}", self.origin);
        self.browser.driver.goto(url).await.unwrap();
    }

    /// The path of the page and its query.
    pub(crate) async fn path(&self) -> String {
        let url = self.browser.driver.current_url().await.unwrap();
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        format!("{}{query}", url.path())
    }

    /// The first element that matches this selector, as soon as it exists.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        let begun = Instant::now();
        loop {
            if let Ok(element) = self.browser.driver.find(By::Css(css)).await {
                return element;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{css} is not on {}",
                self.path().await
            );
            sleep(STEP).await;
        }
    }

    /// The text of the first element that matches this selector, as soon as it exists.
    pub(crate) async fn text_of(&self, css: &str) -> String {
        let begun = Instant::now();
        loop {
            // The page may be replaced between the two.
            if let Ok(text) = self.find(css).await.text().await {
                return text;
            }
            assert!(begun.elapsed() < PATIENCE, "{css} does not stay");
            sleep(STEP).await;
        }
    }

    /// Number of elements that match this selector.
    pub(crate) async fn count(&self, css: &str) -> usize {
        self.browser.driver.find_all(By::Css(css)).await.unwrap().len()
    }

    /// Replaces the text of a field.
    pub(crate) async fn write(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Selects an option of a list by its text.
    pub(crate) async fn choose(&self, css: &str, option: &str) {
        let path = format!("./option[normalize-space()='{option}']");
        let list = self.find(css).await;
        list.find(By::XPath(path)).await.unwrap().click().await.unwrap();
    }

    /// Presses the button or link with this name, and waits until the page that it loads replaces this one. Scripts
    /// that run after it then never see the old page.
    pub(crate) async fn press(&self, name: &str) {
        self.follow(By::XPath(named(name)), name).await;
    }

    /// Presses the first button or link that matches this selector, and waits as [`press`](Self::press) does.
    pub(crate) async fn press_first(&self, css: &str) {
        self.follow(By::Css(css), css).await;
    }

    /// Presses a button that copies a text, and sees that it says so. It says so for a short time only, so it is pressed
    /// again if that time was missed.
    pub(crate) async fn copy(&self, name: &str) {
        let begun = Instant::now();
        while !self
            .has_copied(self.activate(By::XPath(named(name)), name).await)
            .await
        {
            assert!(begun.elapsed() < PATIENCE, "{name} copies nothing");
        }
    }

    /// Returns `true` if this button, which was pressed, says in time that it has copied.
    pub(crate) async fn has_copied(&self, button: WebElement) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < COPIED {
            if button.text().await.is_ok_and(|text| text == "Copied") {
                return true;
            }
            sleep(STEP).await;
        }
        false
    }

    async fn follow(&self, by: By, name: &str) {
        let pressed = self.activate(by, name).await;
        self.leaves(&pressed, name).await;
    }

    /// Presses a button or link as soon as it exists and works. By keyboard, because a click of the mouse misses what
    /// moves at this moment, as the buttons below a preview do when the preview arrives.
    async fn activate(&self, by: By, name: &str) -> WebElement {
        let begun = Instant::now();
        loop {
            if let Ok(found) = self.browser.driver.find(by.clone()).await
                && found.send_keys(ENTER).await.is_ok()
            {
                return found;
            }
            let late = begun.elapsed() >= PATIENCE;
            assert!(
                !late,
                "{name} is not on {}: {}",
                self.path().await,
                self.text().await
            );
            sleep(STEP).await;
        }
    }

    /// Waits until the page of this element is replaced.
    pub(crate) async fn leaves(&self, element: &WebElement, name: &str) {
        let begun = Instant::now();
        while element.tag_name().await.is_ok() {
            let late = begun.elapsed() >= PATIENCE;
            assert!(!late, "{name} loads no page on {}", self.path().await);
            sleep(STEP).await;
        }
    }

    /// The whole text of the page.
    pub(crate) async fn text(&self) -> String {
        let body = self.browser.driver.find(By::Tag("body")).await;
        match body {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until the page contains this text.
    pub(crate) async fn sees(&self, text: &str) {
        let begun = Instant::now();
        loop {
            let page = self.text().await;
            if page.contains(text) {
                return;
            }
            let late = begun.elapsed() >= PATIENCE;
            assert!(!late, "{text:?} is not on {}: {page}", self.path().await);
            sleep(STEP).await;
        }
    }

    /// The result of a script.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.browser
            .driver
            .execute(script, Vec::new())
            .await
            .unwrap()
            .json()
            .clone()
    }

    /// Creates a webhook and returns its URL; the page that shows it stays open.
    pub(crate) async fn create(&self, name: &str) -> String {
        self.go("/webhooks/new").await;
        self.write("#f-name", name).await;
        self.press("Create webhook").await;
        self.text_of("#url").await
    }

    /// Opens the page of the webhook with this name.
    pub(crate) async fn open(&self, name: &str) {
        self.go("/webhooks").await;
        self.press(name).await;
        self.sees("Top sources").await;
    }

    pub(crate) async fn close(self) {
        self.browser.close().await.unwrap();
    }
}

/// The path of the button or link with this name.
fn named(name: &str) -> String {
    format!("//main//*[self::button or self::a][normalize-space()='{name}']")
}
