"""Markup, style and script of the status page. Only constants."""

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1c2430;--soft:#5c6675;--line:#dfe3e9;
--brand:#1f6feb;
--up:#1a7f37;--down:#c2313f}
@media(prefers-color-scheme:dark){:root{--bg:#10141a;--card:#181e26;--text:#e7ebf0;--soft:#9aa5b4;
--line:#2b3440;
--brand:#6ea8fe;--up:#56d364;--down:#ff7b86}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,sans-serif}
header,main{max-width:1100px;margin:0 auto;padding:1rem}
h1{font-size:1.35rem;margin:0}h2{font-size:1.05rem;margin:0 0 .6rem}
p{margin:.2rem 0;color:var(--soft)}
.figures{display:flex;flex-wrap:wrap;gap:1.5rem;margin-top:.8rem}
.figures b{display:block;font-size:1.3rem;font-variant-numeric:tabular-nums}
.grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem;overflow-x:auto}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:600;font-size:.85rem}
.up{color:var(--up)}.down{color:var(--down)}.empty{color:var(--soft);white-space:normal}
form{display:flex;flex-wrap:wrap;gap:.6rem;align-items:end}
label{display:grid;gap:.15rem;font-size:.85rem;color:var(--soft);flex:1 1 8rem}
input,select,button{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);
border-radius:7px;
padding:.45rem .6rem;min-height:2.5rem;width:100%}
button{width:auto;cursor:pointer;background:var(--brand);color:var(--bg);border-color:transparent}
td button{min-height:0;padding:.15rem .6rem}
:focus-visible{outline:2px solid var(--brand);outline-offset:2px}
output{display:block;min-height:1.5rem;margin-top:.5rem;overflow-wrap:anywhere}
.wide{grid-column:1/-1}
@media(max-width:40rem){th,td{padding:.3rem .3rem;white-space:normal;font-size:.85rem}}
.scroll{max-height:24rem;overflow:auto}
"""

SCRIPT = """
const say = document.querySelector('#said');
async function send(path, body) {
  const answer = await fetch('/sandbox/' + path, {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.msg);
  return value;
}
async function act(work) {
  try { await work(); } catch (error) { say.textContent = error.message; }
}
for (const form of document.querySelectorAll('form')) {
  form.addEventListener('submit', event => {
    event.preventDefault();
    const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''));
    act(async () => {
      const value = await send(form.dataset.path, body);
      if (form.dataset.path === 'accounts') {
        say.textContent = 'API key ' + value.api_key + ', secret ' + value.secret + ' (shown once here)';
      } else { location.reload(); }
    });
  });
}
document.querySelectorAll('[data-remove]').forEach(button => button.addEventListener('click', () =>
  act(async () => {
    await send('faults/remove', {fault_id: Number(button.dataset.remove)});
    location.reload();
  })));
"""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Practice exchange</title><style nonce="$nonce">$style</style></head><body>
<header><h1>Practice exchange</h1>
<p>Speaks Binance's dialect on this machine. No real money, no real market.
Prices: $walk. Books: $journal.
Seed $seed.</p>
<div class="figures"><span><b>$account_count</b>accounts</span><span><b>$orders</b>orders accepted</span>
<span><b>$fills</b>fills</span><span><b>$requests</b>requests</span></div>
<output id="said" role="status"></output></header>
<main class="grid">
<section><h2>New practice account</h2><form data-path="accounts">
<label>Name (may be empty)<input name="name" maxlength="60" autocomplete="off"></label>
<button>Create</button></form>
<p>10,000 USDT on the spot side and 10,000 USDT on the futures side.</p></section>
<section><h2>Move a price</h2><form data-path="price"><label>Symbol<select name="symbol">$symbols</select>
</label>
<label>New price<input name="price" inputmode="decimal" required autocomplete="off"></label>
<button>Set</button></form>
<p>Orders that the price reaches are filled at once.</p></section>
<section><h2>Rehearse a fault</h2><form data-path="faults"><label>Fault<select name="kind">$kinds</select>
</label>
<label>Endpoint<select name="endpoint">$endpoints</select></label>
<label>Account (empty: all)<input name="account" autocomplete="off"></label>
<label>Chance, 0 to 1<input name="probability" inputmode="decimal" value="1"></label>
<label>Seconds<input name="seconds" inputmode="decimal" value="0"></label><button>Switch on</button></form>
</section>
<section><h2>Active faults</h2><table><thead><tr><th></th><th>Fault</th><th>Endpoint</th><th>Account</th>
<th>Chance</th>
<th>Fired</th></tr></thead><tbody>$faults</tbody></table></section>
<section><h2>Markets</h2><div class="scroll"><table><thead><tr><th>Symbol</th><th>Price</th>
<th>Since start</th>
<th>Side</th></tr></thead><tbody>$markets</tbody></table></div></section>
<section><h2>Accounts</h2><div class="scroll"><table><thead><tr><th>Account</th><th>Spot USDT</th>
<th>Futures USDT</th><th>Orders</th><th>Open</th><th>Positions</th></tr></thead><tbody>$accounts</tbody>
</table></div>
</section>
<section class="wide"><h2>Latest orders</h2><div class="scroll"><table><thead><tr><th>Account</th>
<th>Symbol</th>
<th>Side</th>
<th>Order</th><th>Filled</th><th>Status</th></tr></thead><tbody>$recent</tbody></table></div></section>
</main><script nonce="$nonce">$script</script></body></html>
"""
