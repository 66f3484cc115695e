/** What the plugins take. */
import esbuild from 'goro/esbuild'
import rolldown from 'goro/rolldown'
import rollup from 'goro/rollup'
import rspack from 'goro/rspack'
import vite from 'goro/vite'
import webpack from 'goro/webpack'
import { expectTypeOf, test } from 'vitest'

type Options = { readonly preempt?: boolean } | undefined

test('nothing, or options', () => {
  for (const plugin of [esbuild, rolldown, rollup, rspack, vite, webpack]) {
    expectTypeOf(plugin).parameters.toEqualTypeOf<[options?: Options]>()
  }
})

test('no others', () => {
  vite()
  vite({ preempt: true })
  // @ts-expect-error It is a boolean.
  vite({ preempt: 1 })
  // @ts-expect-error There is no such option.
  vite({ preemt: true })
})
