// Writes ../static/tc.css from tc.scss. Run `npm install && npm run css` in a copy of this folder
// beside a folder `static`, so that no node_modules is left in the tree.
import { writeFileSync } from 'node:fs'
import { compile } from 'sass'

const built = compile('tc.scss', {
  loadPaths: ['node_modules'],
  style: 'compressed',
  quietDeps: true
})
writeFileSync('../static/tc.css', `${built.css}\n`)
console.log(`tc.css: ${built.css.length} bytes`)
