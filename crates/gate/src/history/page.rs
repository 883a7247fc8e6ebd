//! Pages of lists, bounded in rows and in bytes. Rows are read in steps, so that few large rows are read at a time.

use hookgate_domain::DeliveryId;
use hookgate_domain::invisible::is_invisible;

/// Maximum number of rows of a page: a bound on memory per query.
const MAX_PAGE: u16 = 200;
/// Maximum bytes of a page in an answer. Only its first row may be larger.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Rows of the first step: some MiB, if all are of the largest kind.
const FIRST_STEP: u16 = 5;
/// Maximum growth from one step to the next: three steps read an ordinary page.
const STEP_GROWTH: u16 = 4;

/// A page of a list.
///
/// A store reads a bounded number of rows for a page. Where few rows match, a page may therefore have fewer rows than
/// its size, or none, without being the last one: only `next` tells that.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T, K> {
    /// The rows, in the requested order.
    pub items: Vec<T>,
    /// The key from which the next page in the same direction continues; `None` after the last page.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// A page of rows that were read with [`PageSize::and_one`]. The next page begins behind the last item if one more
    /// row was found, otherwise where the store `stopped` reading: so no full page leads to an empty one.
    pub fn new(mut items: Vec<T>, size: PageSize, key: impl Fn(&T) -> K, stopped: Option<K>) -> Self {
        let most = usize::from(size.rows());
        let has_more = items.len() > most;
        items.truncate(most);
        let next = if has_more { items.last().map(key) } else { stopped };
        Self { items, next }
    }
}

/// The place in the history at which a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// The newest record, going back.
    Newest,
    /// The record before this one, going back.
    Before(DeliveryId),
    /// The record after this one, going forward; `None` begins at the oldest record.
    After(Option<DeliveryId>),
}

/// The number of rows of a page, 1 to 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u16);

impl PageSize {
    /// One row.
    pub const ONE: Self = Self(1);
    /// The largest page.
    pub const MAX: Self = Self(MAX_PAGE);

    /// A page size of this many rows; `None` for 0 and above 200.
    #[must_use]
    pub const fn new(rows: u16) -> Option<Self> {
        if rows == 0 || rows > MAX_PAGE {
            None
        } else {
            Some(Self(rows))
        }
    }

    /// One row more than is shown, which tells whether another page follows.
    #[must_use]
    pub const fn and_one(self) -> Self {
        Self(self.0 + 1)
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(self) -> u16 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}

/// Bytes of a text as JSON with visible characters only: an invisible character takes six bytes for each UTF-16 unit.
#[must_use]
pub fn written_bytes(text: &str) -> usize {
    let of_char = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        ' '..='~' => 1,
        c if is_invisible(c) => 6 * c.len_utf16(),
        c => c.len_utf8(),
    };
    text.chars().map(of_char).sum()
}

/// A page of at most [`MAX_PAGE_BYTES`]. `read` finds rows from a place on, and `weigh` gives the bytes of a row. If
/// the page ends early, the next one continues behind the `key` of its last row.
///
/// # Errors
/// The first of `read`.
pub async fn bounded_page<T, K, E, F>(
    size: PageSize,
    mut from: Option<K>,
    read: impl Fn(Option<K>, PageSize) -> F,
    weigh: impl Fn(&T) -> usize,
    key: impl Fn(&T) -> K,
) -> Result<Page<T, K>, E>
where
    F: Future<Output = Result<Page<T, K>, E>>,
{
    let most = usize::from(size.rows());
    let (mut rows, mut bytes, mut largest, mut step) = (Vec::new(), 0, 1, FIRST_STEP);
    loop {
        let left = u16::try_from(most - rows.len()).unwrap_or(step);
        let asked = PageSize(step.min(left));
        let page = read(from, asked).await?;
        // Fewer rows than requested: the store has no more, or stopped reading.
        let is_short = page.items.len() < usize::from(asked.rows());
        for row in page.items {
            let weight = weigh(&row);
            if !rows.is_empty() && bytes + weight > MAX_PAGE_BYTES {
                let next = rows.last().map(&key);
                return Ok(Page { items: rows, next });
            }
            bytes += weight;
            largest = largest.max(weight);
            rows.push(row);
        }
        let fitting = MAX_PAGE_BYTES.saturating_sub(bytes) / largest;
        if is_short || page.next.is_none() || rows.len() >= most || fitting == 0 {
            return Ok(Page {
                items: rows,
                next: page.next,
            });
        }
        step = u16::try_from(fitting)
            .unwrap_or(u16::MAX)
            .min(step.saturating_mul(STEP_GROWTH));
        from = page.next;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Reads all rows of this weight, page by page: how many each page had, and how many each step asked for.
    async fn pages(rows: usize, weight: usize, size: u16) -> (Vec<usize>, Vec<u16>) {
        let steps = RefCell::new(Vec::new());
        let read = |after: Option<usize>, size: PageSize| {
            steps.borrow_mut().push(size.rows());
            let first = after.map_or(0, |after| after + 1);
            let found: Vec<_> = (first..rows).take(size.and_one().rows().into()).collect();
            async move { Ok::<_, ()>(Page::new(found, size, |row| *row, None)) }
        };
        let (mut from, mut pages, mut seen) = (None, Vec::new(), 0);
        loop {
            let size = PageSize::new(size).unwrap();
            let page = bounded_page(size, from, read, |_| weight, |row| *row)
                .await
                .unwrap();
            assert!(page.items.iter().copied().eq(seen..seen + page.items.len()));
            seen += page.items.len();
            pages.push(page.items.len());
            from = page.next;
            if from.is_none() {
                assert_eq!(seen, rows);
                return (pages, steps.into_inner());
            }
        }
    }

    #[tokio::test]
    async fn small_rows_fill_a_page_in_few_steps() {
        assert_eq!(pages(200, 1_000, 200).await, (vec![200], vec![5, 20, 80, 95]));
        assert_eq!(pages(60, 1_000, 50).await, (vec![50, 10], vec![5, 20, 25, 5, 20]));
        assert_eq!(pages(0, 1, 50).await.0, [0]);
    }

    #[tokio::test]
    async fn large_rows_end_a_page_and_few_are_read_at_a_time() {
        const MIB: usize = 1024 * 1024;
        let (found, steps) = pages(9, MIB, 200).await;
        assert_eq!(found, [4, 4, 1]);
        assert!(steps.iter().all(|step| *step <= FIRST_STEP), "{steps:?}");
        assert_eq!(pages(3, 9 * MIB, 200).await.0, [1, 1, 1]);
        let (found, steps) = pages(100, 300 * 1024, 200).await;
        assert!(found.iter().all(|rows| *rows <= 13), "{found:?}");
        assert!(steps.iter().all(|step| *step <= 8), "{steps:?}");
    }

    #[test]
    fn bytes_are_those_of_visible_json() {
        for (text, bytes) in [
            ("ab", 2),
            ("\"\n", 4),
            ("é", 2),
            ("\u{202e}", 6),
            ("\u{e0041}", 12),
            ("\u{7f}", 6),
        ] {
            assert_eq!(written_bytes(text), bytes, "{text:?}");
        }
    }
}
