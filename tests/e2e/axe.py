"""axe-core on an open page: what people who cannot see, point or tell colours apart would stumble over. The
script comes from a package of the test tools; nothing of it is kept here."""

from importlib.resources import files

from playwright.sync_api import Page

SOURCE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
#: WCAG up to 2.2 AA, and what axe advises beyond it.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE = ("moderate", "serious", "critical")
_RUN = """async ([rules, grave]) => {
  const only = rules.length ? {type: 'rule', values: rules} : {type: 'tag', values: %s};
  const found = await axe.run(document, {runOnly: only, resultTypes: ['violations'], preload: false});
  return found.violations.filter((each) => grave.includes(each.impact)).flatMap((each) => each.nodes.map(
    (node) => `${each.id} (${each.impact}): ${node.target.join(' ')}: `
      + `${node.failureSummary.split('\\n').slice(1, 3).join(' ').trim()}`));
}"""


def findings(page: Page, *rules: str) -> list[str]:
    """Violations that matter on `page` as lines; of these rules only when some are named."""
    if not page.evaluate("'axe' in window"):
        # Past the policy of the page, as a debugger does: the policy itself stays in force.
        page.evaluate(SOURCE)
    return list(page.evaluate(_RUN % TAGS, [list(rules), GRAVE]))
