/**
 * What the types say about arguments. `Sendable<A>` is `A`, unless something in it can certainly not be sent: then it also asks for
 * a text that says what is wrong with which argument, which nobody passes, but the compiler prints.
 *
 * Types don't know everything. `unknown`, `any`, type parameters and what is deeper than DEPTH pass; at run time all is looked at.
 * A class instance arrives without its methods, so they are no functions inside data; but a class is known from plain data with
 * functions only by a private member or a method with parameters (see IsInstance).
 */
import type { handleKind } from '@goro/runtime'
import type { RecvChan, SendChan } from './chan.ts'

/**
 * The tuple of arguments `A`, if it can be sent.
 *
 * The verdict must be there at once also for type parameters of a caller, which the language likes to put off; two forms see to
 * that. An element is judged by whether a Bad one fits into its problems, which holds or fails whatever a type parameter is. And
 * the key of a table, if `A` itself is a type parameter, is judged by what `A` extends.
 */
export type Sendable<A extends readonly unknown[]> = A & { good: unknown; bad: Problems<A> }[Verdict<A>]

type Verdict<A extends readonly unknown[]> = A extends unknown
  ? A & { is: Bad } extends { is: Problem<A[number], ''> }
    ? 'bad'
    : 'good'
  : never

/** For each argument the text that says what is wrong with it; unknown where all is well. */
type Problems<A extends readonly unknown[]> = {
  [I in keyof A]: [Problem<A[I], ''>] extends [never] ? unknown : Extract<Problem<A[I], ''>, string>
}

/** Stands beside the texts in a Problem, as there are many texts. */
interface Bad {
  readonly [bad]: never
}
declare const bad: unique symbol

/** How deep it is looked, as a tuple of so many. */
type DEPTH = [0, 0, 0, 0]

/** What can't be sent in a `T` at `Path`: Bad and the texts that say so, or never. */
type Problem<T, Path extends string, Depth extends unknown[] = DEPTH> =
  IsAny<T> extends true
    ? never
    : T extends symbol
      ? Refusal<Path, "a symbol can't be sent to another thread; send its description">
      : T extends object
        ? ProblemOfObject<T, Path, Depth>
        : never

type ProblemOfObject<T extends object, Path extends string, Depth extends unknown[]> = T extends AnyFunction
  ? Refusal<Path, "a function can't be sent to another thread; import it where it is used, or send what it needs">
  : T extends PromiseLike<unknown>
    ? Refusal<Path, "a promise can't be sent to another thread; await it first">
    : T extends WeakRef<WeakKey>
      ? Refusal<Path, "a WeakRef can't be sent to another thread; send what it refers to">
      : T extends Generator | AsyncGenerator
        ? Refusal<Path, "a generator can't be sent to another thread; send what it yields">
        : T extends AbortSignal
          ? Refusal<Path, "an AbortSignal can't be sent to another thread; send context.fromSignal(signal)">
          : T extends Shared | Error
            ? never
            : Depth extends [unknown, ...infer Rest]
              ? ProblemInside<T, Path, Rest>
              : never

/** What is the same object everywhere. */
type Shared = { readonly [handleKind]: number } | SendChan<never> | RecvChan<unknown>

type ProblemInside<T extends object, Path extends string, Depth extends unknown[]> = T extends readonly (infer Item)[]
  ? Problem<Item, `${Path}[]`, Depth>
  : T extends ReadonlyMap<infer Key, infer Value>
    ? Problem<Key, `${Path}.key()`, Depth> | Problem<Value, `${Path}.get()`, Depth>
    : T extends ReadonlySet<infer Item>
      ? Problem<Item, `${Path}.item()`, Depth>
      : T extends WeakMap<WeakKey, unknown> | WeakSet<WeakKey>
        ? Refusal<Path, "a WeakMap or WeakSet can't be sent to another thread">
        : IsInstance<T> extends true
          ? never
          : { [K in keyof T]-?: K extends string | number ? Problem<T[K], `${Path}.${K}`, Depth> : never }[keyof T]

type Refusal<Path extends string, Reason extends string> = Bad | (Path extends '' ? Reason : `at ${Path}: ${Reason}`)

type AnyFunction = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown)

/** Also true of `unknown`'s likes: what takes anything. Two functions of a type parameter are one type only if the tests in them are. */
type IsAny<T> = (<G>() => G extends T ? 1 : 2) extends <G>() => G extends unknown ? 1 : 2 ? true : false

/**
 * Whether it has private members, which a copy of its type lacks; or a method with parameters, which is told from a property that is
 * a function by what the language allows methods alone: to be replaced by one that takes less.
 */
type IsInstance<T> = { [K in keyof T]: T[K] } extends T
  ? true extends { [K in keyof T]-?: IsMethod<T[K]> }[keyof T]
    ? true
    : false
  : true

type IsMethod<F> =
  IsAny<F> extends true
    ? false
    : F extends (...args: infer P) => unknown
      ? P extends []
        ? false
        : ((...args: { [I in keyof P]: P[I] & Bad }) => never) extends F
          ? true
          : false
      : false
