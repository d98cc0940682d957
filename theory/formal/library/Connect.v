(* Two networks of loss <= c in one cell are joined below c: the convex half of a components certificate. *)
Require Import Reals List ZArith Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path.
Import ListNotations.
Open Scope R_scope.

Section Connect.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable c : R.
Hypothesis Len : forall x, In x X -> (length x <= d)%nat.

Let good := good X y m d ball c.
Let joined := joined X y m d ball c.

Lemma joined_sym : forall W a W' a', joined W a W' a' -> joined W' a' W a.
Proof. exact (turned m d good). Qed.

(* two networks of one cell; only rows that are not zero are known to be off the walls *)
Theorem one_cell : forall P (ce : cell) W a W' a', (forall j x, (j < m)%nat -> In x (nz X) -> dot x (P (snd (st ce j))) <> 0) ->
  in_cell (nz X) P m W a ce -> in_cell (nz X) P m W' a' ce -> good W a -> good W' a' -> joined W a W' a'.
Proof.
  intros P ce W a W' a' N H H' G G'.
  apply (aligned X y m d ball c Len W a W' a' (fun j => fst (st ce j)) G G'). intros j Hj.
  split; [left; apply H; auto|]. split; [left; apply H'; auto|]. intros x Ix.
  destruct (in_nz X x Ix) as [Nz|Z0]; [|rewrite !Z0; lra].
  destruct (H j Hj) as [_ Hx]. destruct (H' j Hj) as [_ Hx']. specialize (Hx x Nz). specialize (Hx' x Nz).
  specialize (N j x Hj Nz).
  set (A := dot x (P (snd (st ce j)))) in *. set (p := dot x (uvec W a j)) in *. set (q := dot x (uvec W' a' j)) in *.
  assert (A * A * (p * q) >= 0). { replace (A * A * (p * q)) with ((A * p) * (A * q)) by ring. nra. }
  assert (A * A > 0) by nra. nra.
Qed.
End Connect.
