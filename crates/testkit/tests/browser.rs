//! Tests of the browser for the console's tests.
#![cfg(feature = "browser")]

use hookgate_testkit::browser::{Browser, Setup};

const PAGE: &str = "data:text/html,<title>before</title><noscript><p id=plain></p></noscript>\
    <script>document.title = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'</script>";

async fn title(setup: Setup) -> String {
    let browser = Browser::start(setup).await.expect("chromium and chromium-driver");
    browser.driver.goto(PAGE).await.expect("a page");
    let title = browser.driver.title().await.expect("a title");
    browser.close().await.expect("an end");
    title
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_what_it_is_set_up_to_be() {
    assert_eq!(title(Setup::default()).await, "light");
    let dark = Setup {
        dark: true,
        ..Setup::default()
    };
    assert_eq!(title(dark).await, "dark");
    let plain = Setup {
        scripts: false,
        ..Setup::default()
    };
    assert_eq!(title(plain).await, "before");
}
